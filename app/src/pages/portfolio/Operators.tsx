// Who else may act for the account: appointed with a right and an end, taken back at any time.
import { useQuery } from "@tanstack/react-query";
import { isAddress } from "ethers";
import { type ReactNode, useState } from "react";

import { OPERATOR_RIGHTS } from "../../../../sdk/signatures.ts";
import { setOperator } from "../../data/actions.ts";
import { useSite, useTx } from "../../data/hooks.ts";
import { submit } from "../../tx/transactions.ts";
import { Address, Badge, Card, Empty, Select } from "../../ui/parts.tsx";

const DAY_S = 86_400;
const RIGHTS = [
  { value: "trade", label: "Trade only" },
  { value: "both", label: "Trade, borrow and withdraw" },
] as const;
const LIVES = [
  { value: "1", label: "For a day" },
  { value: "30", label: "For 30 days" },
  { value: "365", label: "For a year" },
] as const;
const RIGHT_NAMES = ["none", "trade", "withdraw", "trade and withdraw"];

export const Operators = ({ account }: { account: string }): ReactNode => {
  const site = useSite();
  const tx = useTx();
  const [who, setWho] = useState("");
  const [right, setRight] = useState<(typeof RIGHTS)[number]["value"]>("trade");
  const [life, setLife] = useState<(typeof LIVES)[number]["value"]>("30");
  const { data } = useQuery({
    queryKey: [site.key, "operators", account],
    queryFn: async () => {
      const { safe } = site.venue.contracts;
      const logs = await safe.queryFilter(safe.filters.OperatorSet(account), site.venue.deployment.fromBlock);
      const known = [...new Set(logs.map(({ args }) => args.operator))];
      const grants = await Promise.all(known.map((operator) => safe.operatorOf(account, operator)));
      return known.flatMap((operator, i) => {
        const grant = grants[i];
        if (grant === undefined || grant.rights === 0n) return [];
        return [{ operator, rights: Number(grant.rights), expiry: Number(grant.expiry) }];
      });
    },
    refetchInterval: 6_000,
  });
  const { leverageRouter } = site.venue.deployment.contracts;
  return (
    <Card title="Operators">
      {(data ?? []).length === 0 && <Empty>Nobody but you acts for this account.</Empty>}
      {(data ?? []).map(({ operator, rights, expiry }) => (
        <p key={operator}>
          <Address value={operator} label="operator" />{" "}
          {operator.toLowerCase() === leverageRouter.toLowerCase() && <Badge tone="info">leverage router</Badge>}{" "}
          <span className="muted">
            {RIGHT_NAMES[rights]},{" "}
            {expiry > 4e9 ? "no end" : `until ${new Date(expiry * 1_000).toLocaleDateString("en-GB")}`}
          </span>{" "}
          <button
            type="button"
            className="small"
            onClick={() =>
              void submit(tx, "Dismiss operator", () =>
                Promise.resolve(setOperator(site, account, operator, OPERATOR_RIGHTS.none, 0n)),
              )
            }
          >
            Dismiss
          </button>
        </p>
      ))}
      <div className="field">
        <label className="field-label" htmlFor="operator">
          Appoint an address
        </label>
        <input
          id="operator"
          className="plain mono"
          placeholder="0x…"
          value={who}
          onChange={(event) => setWho(event.target.value.trim())}
        />
      </div>
      <div className="two">
        <Select label="Right" value={right} options={RIGHTS} onChange={setRight} />
        <Select label="How long" value={life} options={LIVES} onChange={setLife} />
      </div>
      <button
        type="button"
        disabled={!isAddress(who)}
        onClick={() => {
          const expiry = BigInt(Math.floor(Date.now() / 1_000) + Number(life) * DAY_S);
          void submit(tx, "Appoint operator", () =>
            Promise.resolve(setOperator(site, account, who, OPERATOR_RIGHTS[right], expiry)),
          );
        }}
      >
        Appoint
      </button>
    </Card>
  );
};
