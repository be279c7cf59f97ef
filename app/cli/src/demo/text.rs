//! The report for people.

use super::chart;
use super::figures::BySide;
use super::report::Report;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS};
use std::fmt::{Display, Formatter, Result};

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "{}", chart::draw(&self.chart))?;
        self.run(out)?;
        self.orders(out)?;
        self.sides(out)?;
        self.flows(out)?;
        self.chronicle(out)?;
        self.units(out)?;
        self.ledger(out)
    }
}

impl Report {
    fn run(&self, out: &mut Formatter<'_>) -> Result {
        let Self { bars, steps, first_price, last_price, seed, traders, .. } = self;
        writeln!(out, "{bars} bars, {steps} prices from ${first_price} to ${last_price}; {traders} traders, seed {seed}")?;
        if self.unusable_prices > 0 {
            writeln!(out, "{} prices passed over: the program accepts $1 to $100,000,000", self.unusable_prices)?;
        }
        writeln!(
            out,
            "{} transactions, {} failed, {} refused as they had to be; {} events",
            self.transactions, self.failed_transactions, self.expected_failures, self.events
        )?;
        self.errors.iter().try_for_each(|error| writeln!(out, "  {error}"))
    }

    fn orders(&self, out: &mut Formatter<'_>) -> Result {
        let orders = &self.orders;
        writeln!(
            out,
            "\norders: {} placed, {} of them to rest; {} triggered; {} filled, {} of them after a trigger",
            orders.placed, orders.placed_to_rest, orders.triggered, orders.filled, orders.filled_after_trigger
        )?;
        writeln!(
            out,
            "  {} failed for their owners' reasons, {} were blocked for the market's; bounds were missed {} times",
            orders.failed, orders.blocked, orders.missed_bound
        )?;
        writeln!(
            out,
            "  {} expired, {} cancelled, {} void; {} rest and {} wait at the end",
            orders.expired, orders.cancelled, orders.void, self.orders_resting, self.orders_pending
        )?;
        writeln!(
            out,
            "  tips {} BTC to the keeper; taker fees of failures {} BTC",
            BITCOIN.exact(orders.tips_sats),
            BITCOIN.exact(orders.failure_fees_sats)
        )
    }

    fn sides(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "\n{:<36}{:>20}{:>20}", "", "longs", "shorts")?;
        let mut row = |name: &str, both: [String; 2]| writeln!(out, "{name:<36}{:>20}{:>20}", both[0], both[1]);
        let Self { pnl, funding, sides, .. } = self;
        row("realised profit, BTC", pnl.each(|pnl| signed_bitcoin(pnl.realised_sats)))?;
        row("  of that by deleveraging, BTC", sides.each(|side| signed_bitcoin(side.counted.deleveraged_sats)))?;
        row("profit on paper, BTC", pnl.each(|pnl| signed_bitcoin(pnl.unrealised_sats)))?;
        row("funding and borrow paid, BTC", funding.each(|funding| signed_bitcoin(funding.paid_sats)))?;
        row("  not yet written to positions, BTC", funding.each(|funding| signed_bitcoin(funding.unsettled_sats)))?;
        row("taker fees, BTC", sides.each(|side| BITCOIN.exact(side.counted.fees_sats)))?;
        row("traded, USD", sides.each(|side| dollars(side.counted.traded_e6)))?;
        row("liquidations", sides.each(|side| side.counted.liquidations.to_string()))?;
        row("  of the whole position", sides.each(|side| side.counted.liquidated_whole.to_string()))?;
        row("  notional, USD", sides.each(|side| dollars(side.counted.liquidated_e6)))?;
        row("open at the end", sides.each(|side| side.open_positions.to_string()))?;
        row("  notional, USD", sides.each(|side| dollars(side.open_notional_e6)))
    }

    fn flows(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out)?;
        let mut row = |name: &str, amount: String| writeln!(out, "{name:<36}{amount:>20}");
        let (moved, fees, start, end) = (&self.liquidated, &self.fees, &self.pool_at_start, &self.pool_at_end);
        row("taker fees to the pool, BTC", BITCOIN.exact(fees.pool_sats))?;
        row("  to insurance, BTC", BITCOIN.exact(fees.insurance_sats))?;
        row("  to the protocol, BTC", BITCOIN.exact(fees.protocol_sats))?;
        row("rewards of the liquidator, BTC", BITCOIN.exact(moved.rewards_sats))?;
        row("liquidation fees to insurance, BTC", BITCOIN.exact(moved.insurance_fees_sats))?;
        row("  spread to the pool, BTC", BITCOIN.exact(moved.spread_sats))?;
        row("shortfalls paid by insurance, BTC", BITCOIN.exact(moved.covered_sats))?;
        row("  borne by the pool, BTC", BITCOIN.exact(moved.uncovered_sats))?;
        row("pool at the start, BTC", signed_bitcoin(start.equity_sats))?;
        row("  a share, BTC", start.share_price.clone())?;
        row("pool at the end, BTC", signed_bitcoin(end.equity_sats))?;
        row("  a share, BTC", end.share_price.clone())
    }

    fn units(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "\n{:<24}{:>10}{:>10}{:>10}{:>10}", "compute units", "sent", "least", "mean", "most")?;
        self.compute_units.iter().try_for_each(|(name, units)| {
            writeln!(out, "{name:<24}{:>10}{:>10}{:>10}{:>10}", units.count, units.min, units.mean, units.max)
        })
    }

    fn ledger(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "\n{:<24}{:>24}", "ledger", "satoshi")?;
        let mut row = |name: &str, sats: u64| writeln!(out, "{name:<24}{sats:>24}");
        row("margin of the positions", self.margin_sats)?;
        row("pool", self.pool_sats)?;
        row("insurance", self.insurance_sats)?;
        row("protocol fees", self.protocol_fees_sats)?;
        row("funds for claims", self.funds_sats)?;
        row("sum", self.audit.ledger_sats)?;
        row("vault", self.vault_sats)?;
        row("bad debt", self.bad_debt_sats)?;
        let verdict = if self.conserved { "yes, to the satoshi" } else { "NO" };
        writeln!(out, "conserved: {verdict}; ledger, vault, positions and tokens were compared {} times", self.audits)
    }
}

impl<T> BySide<T> {
    fn each(&self, say: impl Fn(&T) -> String) -> [String; 2] {
        [say(&self.long), say(&self.short)]
    }
}

/// Whole dollars, thousands apart.
fn dollars(micro_dollars: u64) -> String {
    let exact = DOLLARS.exact(micro_dollars);
    let whole = exact.split_once('.').map_or(exact.as_str(), |(whole, _)| whole);
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_stand_apart() {
        for (micro_dollars, text) in
            [(0, "0"), (999_999_999, "999"), (1_000_000_000, "1,000"), (12_345_678_000_000, "12,345,678")]
        {
            assert_eq!(super::dollars(micro_dollars), text);
        }
    }
}
