import { type HookConfig, resolveBeside } from "../config/mod.ts";

/** A hook with the full path of its `scriptFile`, which starts from the config's own folder. */
export function withScriptPath(hook: HookConfig, configUrl: URL): HookConfig {
  const { scriptFile } = hook;
  return scriptFile === undefined ? hook : { ...hook, scriptFile: resolveBeside(configUrl, scriptFile) };
}
