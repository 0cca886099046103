/** What `drayage plan --help` tells after its options. */
export const planHelp = `
Reads what the rules of mirror.yaml select from the upstreams, and compares it with the mirror. Nothing is written, and no pipeline is
needed: try rules before you deploy them. Without AWS credentials or --to, everything counts as missing.

It reads the manifests of the selected images that the mirror lacks, and no layers. Registries may count each manifest as a pull: at the
end, the command says how many it requested. Tags of the same image are read once.

The price is Amazon ECR's list price for private repositories, USD 0.10 per GB and month, in one region: https://aws.amazon.com/ecr/pricing/.
Signatures and the like are not counted, and neither are images that no tag points to any more: they stay until something deletes them.

Examples:
  $ drayage plan
  $ drayage plan --config staging.yaml --to registry.example/mirror
  $ drayage plan --json | jq '.totals.monthlyUsd'

Logins are those of drayage sync. Exit codes: 0 done, 1 some images could not be counted, 2 wrong usage. docs/plan.md has the details.`;
