// What a keeper counts, as Prometheus reads it. Names are fixed: the dashboard in keeper/ops is tested against them.
import { Counter, Gauge, Histogram, Registry } from "prom-client";

const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60];

export class Metrics {
  readonly registry = new Registry();

  readonly accounts = this.gauge("accounts", "Accounts known, by what they are", ["kind"]);
  readonly evaluations = this.counter("evaluations_total", "Accounts weighed");
  readonly looked = this.gauge("looked_accounts", "Accounts looked at again for the last price update");
  readonly head = this.gauge("head_block", "Last block followed");
  readonly lag = this.gauge("lag_blocks", "Blocks between the chain's head and what was followed");
  readonly headAge = this.gauge("head_age_seconds", "How old the chain's head was when it was seen");
  readonly reorgs = this.counter("reorgs_total", "Reorganisations of the chain that were undone");
  readonly rounds = this.counter("rounds_total", "Looks at the chain, by how they went", ["result"]);
  readonly roundSeconds = this.histogram("round_seconds", "Time of a look at the chain with all it led to");
  readonly bids = this.counter("bids_total", "Bids by outcome: won, lost, or undone by a reorganisation", ["outcome"]);
  readonly rivalBids = this.counter("rival_bids_total", "Bids of others seen in the chain");
  readonly transactions = this.counter("transactions_total", "Transactions that ended, by kind and outcome", [
    "kind",
    "status",
  ]);
  readonly inFlight = this.gauge("transactions_in_flight", "Transactions whose end is not known");
  readonly profit = this.counter("profit_settlement_total", "Profit of bids before gas, whole settlement tokens");
  readonly gasUsed = this.counter("gas_used_total", "Gas used, by kind of transaction", ["kind"]);
  readonly gasCost = this.counter("gas_cost_settlement_total", "Price of that gas, whole settlement tokens");
  readonly errors = this.counter("errors_total", "What went wrong, by where", ["kind"]);
  readonly balance = this.gauge("balance_native", "Native tokens of the keeper's address");
  readonly marginInitial = this.gauge("margin_initial", "Initial margin of the keeper's own account, settlement units");
  readonly marginGross = this.gauge("margin_gross", "Value held by the keeper's own account, either sign");
  readonly leases = this.gauge("leases", "Shares of the accounts that this replica works on");
  readonly endpointUp = this.gauge("endpoint_up", "1: the endpoint answers and is believed", ["endpoint"]);

  private gauge<T extends string = never>(name: string, help: string, labelNames: T[] = []): Gauge<T> {
    return new Gauge({ name: `plimsoll_keeper_${name}`, help, labelNames, registers: [this.registry] });
  }

  private counter<T extends string = never>(name: string, help: string, labelNames: T[] = []): Counter<T> {
    return new Counter({ name: `plimsoll_keeper_${name}`, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string): Histogram {
    return new Histogram({ name: `plimsoll_keeper_${name}`, help, buckets: SECONDS, registers: [this.registry] });
  }
}
