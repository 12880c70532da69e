import { basename, join } from "node:path";

/** How to start an interactive shell. */
export interface ShellStart {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Files to write first, by path. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * How to start the user's shell so that its prompt begins with the exporter's name, and so that `j` is found also
 * when the user's own start-up files set PATH anew. Those files are read as always.
 *
 * @param shell The shell to start, such as `/bin/bash`.
 * @param dir A private directory for start-up files.
 * @param binDir The directory with `j`.
 */
export function interactiveShell(shell: string, exporterName: string, dir: string, binDir: string): ShellStart {
  const label = `[${exporterName.replace(/[^\w .:@-]/g, "_") || "exporter"}] `;
  const path = `export PATH='${binDir.replaceAll("'", `'\\''`)}':"$PATH"\n`;
  switch (basename(shell).toLowerCase()) {
    case "bash": {
      const rcFile = join(dir, "bashrc");
      const text = `[ -f ~/.bashrc ] && . ~/.bashrc\n${path}PS1='${label}'"\${PS1:-\\\\$ }"\n`;
      return { argv: [shell, "--rcfile", rcFile, "-i"], env: {}, files: { [rcFile]: text } };
    }
    case "zsh": {
      const own = `ZDOTDIR="\${JMP_ZDOTDIR:-$HOME}"\n[ -f "$ZDOTDIR/.zshrc" ] && . "$ZDOTDIR/.zshrc"\n`;
      const text = `${own}${path}PROMPT='${label}'"$PROMPT"\n`;
      return { argv: [shell, "-i"], env: { ZDOTDIR: dir }, files: { [join(dir, ".zshrc")]: text } };
    }
    case "fish": {
      const prompt =
        `functions -q fish_prompt; and functions -c fish_prompt __jmp_prompt; function fish_prompt; echo -n '${label}'; __jmp_prompt; end`;
      const fishPath = `set -gx PATH '${binDir.replaceAll("'", "\\'")}' $PATH`;
      return { argv: [shell, "--init-command", `${fishPath}; ${prompt}`, "-i"], env: {}, files: {} };
    }
    case "cmd.exe":
      return { argv: [shell], env: { PROMPT: `${label}$P$G` }, files: {} };
    default: {
      const rcFile = join(dir, "shrc");
      return {
        argv: [shell, "-i"],
        env: { ENV: rcFile, PS1: `${label}$ ` },
        files: { [rcFile]: `${path}PS1='${label}$ '\n` },
      };
    }
  }
}
