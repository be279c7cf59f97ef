//! Deleveragings and settlements of a run, for people.

use super::chart::date;
use super::report::Report;
use super::settling::SettlementReport;
use super::witness::{Deleveraging, SideShrunk};
use perps::decimal::{signed_bitcoin, BITCOIN};
use std::fmt::{Formatter, Result};

/// Lines of each kind before the rest is only counted.
const MOST_LINES: usize = 20;
/// Claims named of each settlement.
const MOST_CLAIMS: usize = 6;

impl Report {
    pub(super) fn chronicle(&self, out: &mut Formatter<'_>) -> Result {
        self.deleveraged(out)?;
        self.settled(out)?;
        let liquidity = &self.liquidity;
        writeln!(
            out,
            "\nproviders deposited {} BTC and withdrew {} BTC: {} requests, {} paid, {} lapsed",
            BITCOIN.exact(liquidity.deposited_sats),
            BITCOIN.exact(liquidity.withdrawn_sats),
            liquidity.requests,
            liquidity.completed,
            liquidity.lapsed
        )?;
        let untouched = if self.flat_margin_untouched { "as they left it" } else { "TOUCHED" };
        writeln!(out, "margin of the {} flat users: {untouched}", self.flat_users)
    }

    fn deleveraged(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "\ndeleveragings: {}", self.deleveragings)?;
        if self.deleveragings == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "{:<18}{:>12}{:>18}{:>18}{:>12}{:>12}{:>18}",
            "UTC", "price, USD", "profit, BTC", "free pool, BTC", "longs", "shorts", "payout, BTC"
        )?;
        self.deleveraging_list.iter().take(MOST_LINES).try_for_each(|deleveraging| deleveraging.line(out))?;
        rest(out, self.deleveragings)?;
        let equal = if self.shares_equal { "the same share" } else { "UNEQUAL SHARES" };
        writeln!(out, "each closed {equal} of every position of a side")
    }

    fn settled(&self, out: &mut Formatter<'_>) -> Result {
        writeln!(out, "\nsettlements: {}, markets: {}", self.settlements, self.markets)?;
        self.settlement_list.iter().take(MOST_LINES).try_for_each(|settlement| settlement.lines(out))?;
        rest(out, self.settlements)?;
        if self.settlements > 0 {
            let [haircut, top_up, uncollected] =
                [self.haircut_sats, self.top_up_sats, self.uncollected_sats].map(|sats| BITCOIN.exact(sats));
            writeln!(
                out,
                "unpaid {haircut} BTC, added by insurance {top_up} BTC, not collected from losers {uncollected} BTC"
            )?;
        }
        Ok(())
    }
}

fn rest(out: &mut Formatter<'_>, all: usize) -> Result {
    match all.saturating_sub(MOST_LINES) {
        0 => Ok(()),
        more => writeln!(out, "... and {more} more"),
    }
}

impl Deleveraging {
    fn line(&self, out: &mut Formatter<'_>) -> Result {
        let payout = self.sides.long.payout_sats.saturating_add(self.sides.short.payout_sats);
        writeln!(
            out,
            "{:<18}{:>12}{:>18}{:>18}{:>12}{:>12}{:>18}",
            date(self.unix_time),
            self.price,
            BITCOIN.exact(self.profit_sats),
            BITCOIN.exact(self.free_pool_sats),
            percent(&self.sides.long),
            percent(&self.sides.short),
            signed_bitcoin(payout)
        )
    }
}

/// Hundredths of a percent, cut off.
fn percent(side: &SideShrunk) -> String {
    let (whole, fraction) = side.share.split_once('.').unwrap_or((&side.share, ""));
    let digits: String = whole.chars().chain(fraction.chars()).chain(std::iter::repeat('0')).take(whole.len() + 4).collect();
    let (before, after) = digits.split_at(digits.len() - 2);
    let before = before.trim_start_matches('0');
    format!("{}.{after} %", if before.is_empty() { "0" } else { before })
}

impl SettlementReport {
    fn lines(&self, out: &mut Formatter<'_>) -> Result {
        let outcome = if self.closed { "closed for good" } else { "opened again" };
        writeln!(
            out,
            "{:<18} market {} at ${}: {} positions closed, {} BTC collected from losers; {outcome}",
            date(self.unix_time),
            self.market,
            self.price,
            self.positions,
            BITCOIN.exact(self.collected_sats)
        )?;
        writeln!(
            out,
            "    claims {} BTC, paid {} BTC, unpaid {} BTC; insurance added {} BTC and paid {} sats of tips",
            BITCOIN.exact(self.claims_sats),
            BITCOIN.exact(self.payable_sats),
            BITCOIN.exact(self.haircut_sats),
            BITCOIN.exact(self.top_up_sats),
            self.tips_sats
        )?;
        for claim in self.claims.iter().take(MOST_CLAIMS) {
            let (claimed, paid) = (BITCOIN.exact(claim.claim_sats), BITCOIN.exact(claim.paid_sats));
            writeln!(out, "    trader {:>2} won {claimed:>16} BTC and got {paid:>16} BTC", claim.trader)?;
        }
        match self.claims.len().saturating_sub(MOST_CLAIMS) {
            0 => Ok(()),
            more => writeln!(out, "    {more} others likewise"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_said_in_percent() {
        for (share, text) in
            [("0", "0.00 %"), ("0.8", "80.00 %"), ("1", "100.00 %"), ("0.032199999", "3.21 %"), ("0.00009", "0.00 %")]
        {
            let side = SideShrunk { share: share.to_owned(), positions: 0, closed_e6: 0, payout_sats: 0 };
            assert_eq!(percent(&side), text);
        }
    }
}
