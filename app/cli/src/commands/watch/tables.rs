//! Positions and orders.

use super::bars::{by_sign, coloured};
use super::snapshot::{Held, Snapshot};
use crate::commands::order::list::Open;
use crate::commands::order::stage::{effect, kind_name, limit, Stage};
use crate::commands::position::summary::{health, health_name};
use crate::session::words::{cents, distance, signed_distance, span};
use crate::session::{leverage, side_name};
use anyhow::Result;
use inverse_perps_engine::exposure::Health;
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::order::OrderKind;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS};
use perps::view::{MarketView, Outlook};
use ratatui::layout::Constraint;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table};

const GAUGE: usize = 10;
/// A gauge is full where the price must move by half or more.
const FULL_PPB: i128 = 500_000_000;
const NEAR_PPB: i128 = 50_000_000;
const CLOSE_PPB: i128 = 150_000_000;

fn head(names: &[&'static str]) -> Row<'static> {
    Row::new(names.to_vec()).style(Style::new().add_modifier(Modifier::DIM))
}

/// Positions with how far they are from their liquidation.
///
/// # Errors
/// Those of the engine.
pub fn positions(snapshot: &Snapshot) -> Result<Table<'static>> {
    let rows = snapshot.held.iter().map(|held| position(&snapshot.market, held)).collect::<Result<Vec<_>>>()?;
    let widths = [4, 6, 13, 11, 13, 13, 8, 12, 19, 13].map(Constraint::Length);
    let names = ["SUB", "SIDE", "USD", "ENTRY", "RESULT BTC", "MARGIN BTC", "LEVERAGE", "LIQUIDATION", "DISTANCE", "HEALTH"];
    Ok(Table::new(rows, widths).header(head(&names)))
}

fn position(market: &MarketView, held: &Held) -> Result<Row<'static>> {
    let (position, none) = (&held.position, || Cell::from("-"));
    let (sub, margin) = (position.stored.sub_account.to_string(), BITCOIN.exact(position.state.margin.get()));
    let Some(open) = &position.outlook else {
        let mut cells = vec![Cell::from(sub), Cell::from("flat"), none(), none(), none(), Cell::from(margin)];
        cells.extend(std::iter::repeat_with(none).take(4));
        return Ok(Row::new(cells));
    };
    let health = health(market, position, open)?;
    let colour = if health == Health::Sound { Color::Green } else { Color::Red };
    Ok(Row::new(vec![
        Cell::from(sub),
        Cell::from(side_name(open.direction)),
        Cell::from(DOLLARS.short(open.notional.get())),
        Cell::from(open.entry_price.map_or("-".to_owned(), cents)),
        Cell::from(Span::styled(signed_bitcoin(open.pnl_sats), Style::new().fg(by_sign(open.pnl_sats)))),
        Cell::from(margin),
        Cell::from(leverage(open)),
        Cell::from(match held.liquidation {
            Some(Threshold::At(price)) => cents(price),
            Some(Threshold::Always) => "every price".to_owned(),
            Some(Threshold::Never) | None => "never".to_owned(),
        }),
        Cell::from(gauge(held.liquidation, open)),
        Cell::from(Span::styled(health_name(health), Style::new().fg(colour))),
    ]))
}

/// How far the price must move until the position can be liquidated.
fn gauge(liquidation: Option<Threshold>, open: &Outlook) -> Line<'static> {
    let Some(Threshold::At(price)) = liquidation else {
        let filled = if liquidation == Some(Threshold::Always) { 0 } else { FULL_PPB };
        return Line::from(coloured(filled.saturating_mul(2), GAUGE, if filled == 0 { Color::Red } else { Color::Green }));
    };
    let away = if open.liquidatable { 0 } else { distance(price, open.mark).map_or(0, i128::abs) };
    let colour = match away {
        CLOSE_PPB.. => Color::Green,
        NEAR_PPB.. => Color::Yellow,
        _ => Color::Red,
    };
    let filled = away.saturating_mul(1_000_000_000) / FULL_PPB;
    Line::from(vec![coloured(filled, GAUGE, colour), Span::raw(format!(" {}", signed_distance(price, open.mark)))])
}

/// Orders with what they wait for.
pub fn orders(snapshot: &Snapshot) -> Table<'static> {
    let all = snapshot.held.iter().flat_map(|held| held.orders.iter().map(move |order| (held, order)));
    let rows: Vec<Row> = all.map(|(held, open)| order(snapshot, held, open)).collect();
    let widths = [4, 4, 12, 27, 11, 9, 18, 11, 22].map(Constraint::Length);
    let names = ["SUB", "ID", "TYPE", "DOES", "TRIGGER", "AWAY", "LIMIT", "TIP BTC", "STATE"];
    Table::new(rows, widths).header(head(&names))
}

fn order(snapshot: &Snapshot, held: &Held, open: &Open) -> Row<'static> {
    let (state, none) = (&open.account.state, || "-".to_owned());
    let (trigger, away) = match state.kind() {
        OrderKind::Market => (none(), none()),
        _ => (cents(state.trigger), snapshot.market.mark().map_or_else(none, |mark| signed_distance(state.trigger, mark))),
    };
    let stage = match open.stage {
        Stage::Rests => format!("rests, {} left", span(state.expiry.get().saturating_sub(snapshot.time()))),
        stage => stage.text(),
    };
    Row::new(vec![
        held.position.stored.sub_account.to_string(),
        state.id.to_string(),
        kind_name(state.kind()).to_owned(),
        effect(state),
        trigger,
        away,
        limit(state),
        BITCOIN.exact(state.tip.get()),
        stage,
    ])
}
