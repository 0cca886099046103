/** What `drayage cost --help` tells after its options. */
export const costHelp = `
Estimates from what Drayage's own code asks of AWS for a push and for a minute without work, as it was counted at the servers of
drayage local, and from AWS's list prices. It asks nobody, and needs no AWS credentials. Free tiers, discounts and taxes are not counted.

The configuration says how many regions there are, whether retention and notifications run, and how many secrets there are. Without one, it
is the smallest deployment. Of pushes, 5 % make a repository, 80 % are next versions, and 15 % bring nothing new.

Examples:
  $ drayage cost
  $ drayage cost --config mirror.yaml --pushes 50000 --copied 200MB
  $ drayage cost --prices mine.json --json | jq '.estimates[].usd'

--prices takes JSON such as {"ecrGbMonth": 0.08}: dollars for one unit; drayage cost --json shows all names. Exit codes: 0 done, 1 the
configuration is not valid, 2 wrong usage, or the region's prices are not known. docs/cost.md has the table, and what it supposes.`;
