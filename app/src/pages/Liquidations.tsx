// Who is near the line, which auctions run, and bids with or without capital.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";

import { indexOf, ownerOf } from "../../../sdk/ids.ts";
import { bid, bidWithoutCapital, startAuction } from "../data/actions.ts";
import { useAccount, useAccountId, useSite, useTx } from "../data/hooks.ts";
import { type AuctionStatus, type Health, readAuction, readHealths } from "../data/watched.ts";
import { age, decimal, money, percent, toNumber } from "../lib/format.ts";
import { submit } from "../tx/transactions.ts";
import { Address, Badge, Card, Empty, Loading, Notice, Row, Table } from "../ui/parts.tsx";

const SHOWN = 15;
const NEAR = 0.3;
const LIMIT_ROOM = 1_005n;
const THOUSAND = 1_000n;
const PHASES = ["none", "solvent", "insolvent: the insurance fund pays the bidder"];
const HALF = 10n ** 18n / 2n;

const Who = ({ account }: { account: string }): ReactNode => (
  <>
    <Address value={ownerOf(account)} label="owner" /> <span className="muted">#{String(indexOf(account))}</span>
  </>
);

/** Auctions count ticks of time: what is shown between two blocks is the last answer of the chain, which is asked every second. */
const Auction = ({ account, onDone }: { account: string; onDone: () => void }): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const own = useAccountId();
  const { data: target } = useAccount(account);
  const [isBusy, setBusy] = useState(false);
  const { data: status } = useQuery<AuctionStatus>({
    queryKey: [site.key, "auction", account],
    queryFn: () => readAuction(site, account),
    refetchInterval: 1_000,
    structuralSharing: false,
  });
  const isOwn = own !== undefined && ownerOf(own) === ownerOf(account);
  // Of an account without an auction the chain says what a start would give: phase and price are there, a tick is not.
  const isRunning = status !== undefined && status.lastTick !== 0n;
  useEffect(() => {
    if (status !== undefined && !isRunning && !status.liquidatable) onDone();
  }, [status, isRunning, onDone]);
  if (status === undefined) return <Loading what="the auction" />;
  const cash = site.venue.assets.get(1).decimals;
  const price = status.priceOfMax;
  const limit = price > 0n ? (price * LIMIT_ROOM) / THOUSAND + 1n : price;
  const send = async (title: string, make: Parameters<typeof submit>[2]): Promise<void> => {
    setBusy(true);
    await submit(tx, title, make);
    setBusy(false);
  };
  const tokens = (target?.view.balances ?? []).flatMap(({ asset }) => {
    const found = site.venue.assets.list().find(({ id }) => id === Number(asset));
    return found === undefined ? [] : [found];
  });
  const hasPositions = (target?.account.positions.length ?? 0) > 0;
  return (
    <Card
      title="Auction"
      aside={
        <Badge tone={isRunning ? "bad" : "warn"}>{isRunning ? PHASES[Number(status.phase)] : "may be started"}</Badge>
      }
    >
      <p>
        <Who account={account} />
      </p>
      <dl aria-live="off">
        <Row label="Discount now" strong>
          <span data-testid="discount">{percent(1 - toNumber(status.discountFactor), 2)}</span>
        </Row>
        <Row label="At most this part of everything">{percent(toNumber(status.maxFraction), 1)}</Row>
        <Row label={price >= 0n ? "For it you pay" : "For it you receive"}>
          {money(Math.abs(toNumber(price, cash)))} USDC
        </Row>
        <Row label="Worth at mark">{money(toNumber(status.mtm) * toNumber(status.maxFraction))} USDC</Row>
        <Row label="Maintenance">{money(toNumber(status.maintenance))} USDC</Row>
        <Row label="Running for">{age(Number(status.clock))}</Row>
      </dl>
      {isOwn && (
        <Notice tone="warn">This account is yours: deposit or repay to end the auction. You cannot bid on it.</Notice>
      )}
      {!isOwn && !isRunning && status.liquidatable && (
        <button
          type="button"
          className="primary"
          disabled={isBusy || own === undefined}
          onClick={() => void send("Start the auction", () => Promise.resolve(startAuction(site, account, own ?? "")))}
        >
          Start the auction
        </button>
      )}
      {!isOwn && status.liquidatable && (
        <div className="toolbar">
          <button
            type="button"
            disabled={isBusy || own === undefined}
            onClick={() =>
              void send("Bid on everything allowed", () =>
                Promise.resolve(bid(site, account, own ?? "", status.maxFraction, limit)),
              )
            }
          >
            Bid with my account
          </button>
          <button
            type="button"
            disabled={isBusy || own === undefined}
            onClick={() =>
              void send("Bid on half of it", () =>
                Promise.resolve(
                  bid(site, account, own ?? "", (status.maxFraction * HALF) / 10n ** 18n, limit / 2n + 1n),
                ),
              )
            }
          >
            Bid for half
          </button>
          <button
            type="button"
            disabled={isBusy || own === undefined || hasPositions}
            onClick={() => void send("Bid without capital", () => bidWithoutCapital(site, account, tokens, limit, 0n))}
          >
            Bid without capital
          </button>
        </div>
      )}
      <p className="hint">
        Whoever starts an auction gets a part of what the first bid pays; a bid starts it as well. With your account you
        take the same part of every balance, debt and position and pay in USDC; your own margin is checked at the end.
        Without capital everything taken is sold at once and the profit is paid to your wallet
        {hasPositions ? "; that needs an account without perps and options" : ""}.
      </p>
    </Card>
  );
};

const Row1 = ({ health, onChoose }: { health: Health; onChoose: () => void }): ReactNode => {
  const [left, equity] = [toNumber(health.maintenance), toNumber(health.mtm)];
  const part = equity > 0 ? left / equity : -1;
  return (
    <tr>
      <td>
        <Who account={health.account} />
      </td>
      <td>{money(equity)}</td>
      <td className={left < 0 ? "bad" : ""}>{money(left)}</td>
      <td>{equity > 0 ? percent(part, 1) : "–"}</td>
      <td>
        {health.inAuction ? (
          <Badge tone="bad">auction</Badge>
        ) : left < 0 ? (
          <Badge tone="bad">liquidatable</Badge>
        ) : part < NEAR ? (
          <Badge tone="warn">near</Badge>
        ) : (
          <Badge tone="good">fine</Badge>
        )}
      </td>
      <td>
        <button
          type="button"
          className="small"
          disabled={left >= 0 && !health.inAuction}
          aria-label={`Look at the auction of ${ownerOf(health.account)}`}
          onClick={onChoose}
        >
          Look
        </button>
      </td>
    </tr>
  );
};

const Liquidations = (): ReactNode => {
  const site = useSite();
  const [chosen, setChosen] = useState<string>();
  const { data, isError } = useQuery({
    queryKey: [site.key, "healths"],
    queryFn: () => readHealths(site),
    refetchInterval: 2_000,
    structuralSharing: false,
  });
  const { data: bids } = useQuery({
    queryKey: [site.key, "bids"],
    queryFn: async () => {
      const { auction } = site.venue.contracts;
      const logs = await auction.queryFilter(auction.filters.AuctionBid(), site.venue.deployment.fromBlock);
      return logs
        .slice(-8)
        .reverse()
        .map(({ args, blockNumber, transactionHash }) => ({
          account: args.account,
          fraction: args.fraction,
          price: args.price,
          block: blockNumber,
          hash: transactionHash,
        }));
    },
    refetchInterval: 4_000,
    structuralSharing: false,
  });
  if (data === undefined)
    return isError ? (
      <Notice tone="warn">The node could not say. It is asked again in a moment.</Notice>
    ) : (
      <Loading what="accounts" />
    );
  const open = data.filter(({ inAuction, maintenance, priced }) => inAuction || (priced && maintenance < 0n));
  const shown = chosen ?? open[0]?.account;
  return (
    <div className="grid side">
      <div className="stack">
        <Card title="Accounts by distance to their line" aside={<span className="muted">{data.length} with risk</span>}>
          {data.length === 0 ? (
            <Empty>No account has a debt or a position.</Empty>
          ) : (
            <Table label="Accounts" head={["Owner", "Equity", "Left to liquidation", "Of equity", "State", ""]}>
              {data.slice(0, SHOWN).map((health) => (
                <Row1 key={health.account} health={health} onChoose={() => setChosen(health.account)} />
              ))}
            </Table>
          )}
        </Card>
        <Card title="Last bids">
          {bids === undefined || bids.length === 0 ? (
            <Empty>Nobody has been liquidated yet.</Empty>
          ) : (
            <Table label="Last bids" head={["Account", "Part", "Paid, USDC", "Block"]}>
              {bids.map((each) => (
                <tr key={each.hash + each.account}>
                  <td>
                    <Who account={each.account} />
                  </td>
                  <td>{percent(toNumber(each.fraction), 1)}</td>
                  <td>{decimal(toNumber(each.price, site.venue.assets.get(1).decimals), 2)}</td>
                  <td>{each.block}</td>
                </tr>
              ))}
            </Table>
          )}
        </Card>
      </div>
      {shown === undefined ? (
        <Card title="Auction">
          <Empty>No auction runs. When an account falls below its line, its discount is shown here as it grows.</Empty>
        </Card>
      ) : (
        <Auction key={shown} account={shown} onDone={() => setChosen(undefined)} />
      )}
    </div>
  );
};
export default Liquidations;
