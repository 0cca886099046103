/** What `drayage completion --help` prints after its options. */
export const completionHelp = `
With DRAYAGE_API (and DRAYAGE_TOKEN) in the environment, image names are completed, too: those that are mirrored, from the
API. They are kept for a minute in a file in your cache folder that only you can read.

For one session, or at the end of ~/.bashrc:
  $ source <(drayage completion bash)

zsh: into a folder of $fpath, before compinit runs:
  $ drayage completion zsh > "\${fpath[1]}/_drayage"

fish:
  $ drayage completion fish > ~/.config/fish/completions/drayage.fish

Make the script again after an update of drayage.`;
