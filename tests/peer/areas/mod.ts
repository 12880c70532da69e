/** The areas of the matrix, in the order in which a column runs them. */
import type { Area } from "../support/area.ts";
import { beginning } from "./beginning.ts";
import { calls } from "./calls.ts";
import { ending } from "./ending.ts";
import { files } from "./files.ts";
import { network } from "./network.ts";
import { power } from "./power.ts";
import { remoteStorage } from "./remote_storage.ts";
import { security } from "./security.ts";
import { serial } from "./serial.ts";
import { shell } from "./shell.ts";
import { storage } from "./storage.ts";
import { streams } from "./streams.ts";

/** All of them; `beginning` comes first and `ending` last. */
export const areas: readonly Area[] = [
  beginning,
  power,
  security,
  calls,
  streams,
  network,
  files,
  shell,
  serial,
  storage,
  remoteStorage,
  ending,
];
