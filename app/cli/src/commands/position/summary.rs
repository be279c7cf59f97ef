//! What a position comes to, in a few rows.

use crate::session::words::{threshold_field, threshold_from};
use crate::session::{leverage, side_name, Answer};
use anyhow::Result;
use inverse_perps_engine::exposure::{accepted_threshold, Health, Standing};
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::units::{Sats, SignedSats};
use perps::view::{MarketView, Outlook, PositionView};
use serde_json::Value;

/// Size, entry, margin, leverage and where it is liquidated.
///
/// # Errors
/// Those of the engine.
pub fn add(answer: &mut Answer, market: &MarketView, position: &PositionView) -> Result<()> {
    match &position.outlook {
        Some(open) => open_rows(answer, market, position, open),
        None => {
            answer.field("side", Value::Null).row("position", "flat");
            answer.bitcoin("margin", "margin", position.state.margin);
            Ok(())
        }
    }
}

fn open_rows(answer: &mut Answer, market: &MarketView, position: &PositionView, open: &Outlook) -> Result<()> {
    answer.field("side", side_name(open.direction)).row("side", side_name(open.direction));
    answer.dollars("size", "notional", open.notional);
    match open.entry_price {
        Some(price) => answer.price("entry price", "entry_price", price),
        None => answer.field("entry_price_usd", Value::Null).row("entry price", "none: costs have eaten the entry value"),
    };
    answer.price("mark", "mark", open.mark);
    answer.bitcoin("margin", "margin", position.state.margin);
    answer.both("leverage", "leverage", leverage(open), "");
    let liquidation = liquidation(market, position, open)?;
    answer.field("liquidation_price_usd", threshold_field(&liquidation));
    answer.row("liquidation price", threshold_from(&liquidation, open.mark));
    Ok(())
}

/// Where it is liquidated among the prices that the program accepts.
///
/// # Errors
/// Those of the engine.
pub fn liquidation(market: &MarketView, position: &PositionView, open: &Outlook) -> Result<Threshold> {
    Ok(accepted_threshold(&open.exposed, &market.state.ratios_of(&position.state))?)
}

/// Sound, liquidatable or bankrupt.
///
/// # Errors
/// Those of the engine.
pub fn health(market: &MarketView, position: &PositionView, open: &Outlook) -> Result<Health> {
    Ok(Standing::of(&open.exposed, open.mark, &market.state.ratios_of(&position.state))?.health)
}

/// One word for it.
pub fn health_name(health: Health) -> &'static str {
    match health {
        Health::Sound => "sound",
        Health::Liquidatable => "liquidatable",
        Health::Bankrupt => "bankrupt",
    }
}

/// Satoshi with a sign in micro-dollars at the mark, rounded down.
///
/// # Errors
/// Those of the engine.
pub fn in_micro_usd(sats: i64, open: &Outlook) -> Result<i128> {
    let (gain, loss) = SignedSats::new(sats).gain_and_loss();
    let value = |amount: Sats, rounding| Ok::<_, anyhow::Error>(i128::from(amount.notional_at(open.mark, rounding)?.get()));
    Ok(if loss.is_zero() { value(gain, Rounding::Floor)? } else { -value(loss, Rounding::Ceil)? })
}
