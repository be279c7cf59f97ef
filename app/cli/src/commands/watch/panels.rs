//! Price, open interest and pool.

use super::bars::{by_sign, coloured};
use super::snapshot::Snapshot;
use crate::commands::market::terms::{share_price, utilisation};
use crate::session::words::{cents, percent, share, signed_distance, span};
use anyhow::Result;
use inverse_perps_engine::Direction;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

const BAR: usize = 20;
/// From this part of the bound on, a bar warns; from the next one on, it alarms.
const WARNS_PPB: i128 = 700_000_000;
const ALARMS_PPB: i128 = 900_000_000;

/// Lines of a panel.
pub type Lines = Vec<Line<'static>>;

fn line(label: &str, text: impl Into<Span<'static>>) -> Line<'static> {
    Line::from(vec![Span::raw(format!("{label:<12}")), text.into()])
}

fn strong(text: String) -> Span<'static> {
    Span::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

fn positions(count: u64) -> String {
    format!("{count} position{}", if count == 1 { "" } else { "s" })
}

fn by_fill(ppb: i128) -> Color {
    match ppb {
        ALARMS_PPB.. => Color::Red,
        WARNS_PPB.. => Color::Yellow,
        _ => Color::Green,
    }
}

/// Mark, bid and ask, age, distance from the average.
pub fn price(snapshot: &Snapshot) -> Lines {
    let (market, none) = (&snapshot.market, || "-".to_owned());
    let Some(quote) = market.quote() else { return vec![line("mark", "no price yet")] };
    let ema = market.state.prices.ema;
    let age = snapshot.price_age().map_or_else(none, span);
    let mut lines = vec![
        line("mark", strong(format!("{} USD", cents(quote.price)))),
        line("bid", cents(quote.bid)),
        line("ask", cents(quote.ask)),
        line("published", format!("{age} ago")),
        line("to average", if ema.is_zero() { none() } else { signed_distance(quote.price, ema) }),
    ];
    if let Err(rule) = &market.synced {
        lines.push(Line::styled(rule.to_string(), Style::new().fg(Color::Red)));
    }
    lines
}

/// Both sides against their cap, and what they pay a day.
///
/// # Errors
/// Those of the engine.
pub fn sides(snapshot: &Snapshot) -> Result<Lines> {
    let market = &snapshot.market;
    let cap = market.state.params.max_side_notional;
    let mut lines = vec![];
    for (direction, name) in [(Direction::Long, "longs"), (Direction::Short, "shorts")] {
        let side = market.side(direction)?;
        let filled = share(side.notional.get(), cap.get()).unwrap_or(0);
        lines.push(line(name, strong(format!("{} USD in {}", DOLLARS.short(side.notional.get()), positions(side.positions)))));
        lines.push(Line::from(vec![
            Span::raw(" ".repeat(12)),
            coloured(filled, BAR, by_fill(filled)),
            Span::raw(format!(" {} of the cap", percent(filled))),
        ]));
        lines.push(line("  pay a day", percent(i128::from(side.pays_ppb_a_day))));
        lines.push(line(
            "  on paper",
            Span::styled(format!("{} BTC", signed_bitcoin(side.profit_sats)), Style::new().fg(by_sign(side.profit_sats))),
        ));
    }
    Ok(lines)
}

/// Utilisation, pool and insurance.
///
/// # Errors
/// Those of the engine.
pub fn pool(snapshot: &Snapshot) -> Result<Lines> {
    let (market, state) = (&snapshot.market, &snapshot.market.state);
    let most = i128::from(state.params.max_utilisation.to_ppb().get());
    let mut lines = vec![line("pool", strong(format!("{} BTC", BITCOIN.exact(state.ledger.pool.get()))))];
    lines.push(line("  free", format!("{} BTC", BITCOIN.exact(state.free_pool()?.get()))));
    match utilisation(market)? {
        Some(used) => {
            let of_most = used.saturating_mul(1_000_000_000).checked_div(most).unwrap_or(0);
            lines.push(line("utilisation", format!("{} of {}", percent(used), percent(most))));
            lines.push(Line::from(vec![Span::raw(" ".repeat(12)), coloured(of_most, BAR, by_fill(of_most))]));
        }
        None => lines.push(line("utilisation", "there is no pool")),
    }
    let price = share_price(market)?.map_or("-".to_owned(), |price| format!("{} BTC", BITCOIN.exact(price.get())));
    lines.push(line("share price", price));
    lines.push(line("insurance", format!("{} BTC", BITCOIN.exact(state.ledger.insurance.get()))));
    lines.push(line("margins", format!("{} BTC", BITCOIN.exact(state.ledger.margin.get()))));
    Ok(lines)
}
