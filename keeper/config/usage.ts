import { LOG_LEVELS } from "../logger.ts";
import { CHORES } from "./fields.ts";
import { KEY_VARIABLE } from "./key.ts";

export const USAGE = `Usage: npm run keeper -- --rpc URL [options]

Chain
  --rpc URL[,URL…]       JSON-RPC endpoints to read from, http:// or https://, in order of preference
  --send-rpc URL[,URL…]  where transactions are sent, e.g. a private relay      (default: --rpc)
  --ws URL               WebSocket endpoint that tells of new blocks            (default: none, it looks)
  --interval MS          pause between looks at the chain                       (default: 1000)
  --max-head-lag BLOCKS  an endpoint further behind the others is not believed  (default: 3)
  --max-head-age SECONDS, --max-head-ahead SECONDS  nor one whose head is older than the clock, or ahead of it, by more;
                         0: any          (default: 600 and 60; 0 on development chains)
  --head-grace SECONDS   stop when no head can be believed for so long          (default: 60)

Where things are
  --deployment FILE      addresses written by the deployment    (default: deployments/<chain id>.json)
  --state FILE           where to resume from                   (default: out/keeper/<chain id>.sqlite)
  --database URL         postgres:// by which replicas with keys of their own share the accounts; the password in
                         PGPASSWORD or, with the whole URL, in PLIMSOLL_KEEPER_DATABASE
  --replica NAME         this one's name among them             (default: host and process)
  --lease-ms MS          a replica silent for so long loses its accounts        (default: 3000)
  --config FILE          options as TOML or JSON, by the names here

Bids
  --min-profit AMOUNT    least profit of a bid, after gas, in settlement tokens (default: 1)
  --patience SECONDS     longest wait for a deeper discount while no rival is near; 0: none  (default: 30)
  --tx-timeout SECONDS   replace a transaction that is not mined by then        (default: 30)
  --max-in-flight N      transactions on their way at once                      (default: 64)
  --margin-account N     index of the keeper's own account that may take accounts over, positions and all (default: none)
  --margin-max-bid AMOUNT, --margin-max-total AMOUNT  most value taken by one bid, and held      (needed with it)
  --margin-reserve AMOUNT  initial margin to leave in it        (default: 0)
  --margin-unwind-cost BPS what getting rid of it costs, in basis points of its value            (default: 100)
  --chores LIST          all, none, or some of ${CHORES.join(", ")}  (default: all)

Running
  --listen [HOST:]PORT   /health, /ready, /accounts, /metrics   (default: none)
  --dry-run              say what would be done, send nothing
  --optimistic           liquidate everybody on a copy of the chain (anvil) and report why who could not be
  --shock MOVES          with it: move prices first, e.g. WETH=-40%,WBTC=-30%
  --report FILE          with it: the report as JSON
  --once                 one pass, then stop
  --log-level LEVEL      ${LOG_LEVELS.join(", ")}   (default: info)

Every option can also be set in the environment (PLIMSOLL_KEEPER_MIN_PROFIT for --min-profit), which goes before the file;
arguments go before both. The private key comes from ${KEY_VARIABLE} in the environment, or from Hardhat's keystore
(npx hardhat keystore set ${KEY_VARIABLE}); never from a file or an argument. A dry run needs none.`;
