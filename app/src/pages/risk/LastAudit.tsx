// What the last audit said: events against storage, and what the safe has against what it owes.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { readAudit } from "../../data/audit.ts";
import { useSite } from "../../data/hooks.ts";
import { age, compact, percent } from "../../lib/format.ts";
import { Badge, Card, Empty, Row, Table } from "../../ui/parts.tsx";

const count = (value: number): string => value.toLocaleString("en-US");

export const LastAudit = (): ReactNode => {
  const site = useSite();
  const { data } = useQuery({
    queryKey: [site.key, "audit"],
    queryFn: () => readAudit(site),
    refetchInterval: 10_000,
  });
  const { audit, failure } = data ?? {};
  return (
    <Card
      title="Last audit"
      aside={
        audit !== undefined && (
          <Badge tone={audit.ok ? "good" : "bad"}>
            {audit.ok ? "no difference" : `${audit.differences} differences`}
          </Badge>
        )
      }
    >
      {audit === undefined ? (
        <Empty>
          {failure !== undefined
            ? `The auditor could not come to a verdict: ${failure}`
            : site.audit === undefined
              ? "This server serves none."
              : "The first one is under way."}
        </Empty>
      ) : (
        <>
          <dl>
            <Row label="Up to block">
              {audit.block}, {age((Date.now() - audit.at) / 1_000)} ago
            </Row>
            <Row label="Events folded">{count(audit.events)}</Row>
            <Row label="Views of storage compared">{count(audit.compared)}</Row>
            <Row label="Accounts">{count(audit.accounts)}</Row>
          </dl>
          {audit.findings.map((each) => (
            <p key={each} className="notice bad">
              {each}
            </p>
          ))}
          <Table label="What the safe has and owes" head={["Asset", "Has", "Owes", "Covered"]}>
            {audit.assets
              .filter(({ has, owes }) => has > 0 || owes > 0)
              .map(({ symbol, kind, has, owes }) => (
                <tr key={`${symbol}${kind}`}>
                  <td>{symbol}</td>
                  <td>{compact(has)}</td>
                  <td>{compact(owes)}</td>
                  <td>{owes === 0 ? "–" : percent(has / owes, 1)}</td>
                </tr>
              ))}
          </Table>
        </>
      )}
      <p className="hint">
        Every balance is rebuilt from events and compared with storage. Do it yourself: <code>npm run audit</code>.
      </p>
    </Card>
  );
};
