//! A short position from nothing to its fill on a chain in process, through the same calls that a cluster takes.
//!
//! ```text
//! cargo run --release --example in_process
//! ```

use anyhow::{Context, Result};
use inverse_perps::instructions::{OrderAmount, PositionDirection};
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::Params;
use perps::chain::Chain;
use perps::client::events::{self, Event};
use perps::client::instructions::{deposit_collateral, deposit_liquidity, LiquidityDeposit};
use perps::client::orders::{execute_order, market_terms, place_order, Execution, OrderRef, Placing};
use perps::local::{program_elf, InProcess, LocalChain, Tick};
use perps::transaction::Sender;
use perps::view::{MarketView, PositionView};
use solana_keypair::Keypair;
use solana_signer::Signer;

const BTC: u64 = 100_000_000;
const DOLLAR_E6: u64 = 1_000_000;
const TIP_SATS: u64 = 1_000;

fn main() -> Result<()> {
    // A market at $60,000 with a pool of 10 BTC, and somebody with 1 BTC.
    let tick = Tick { price_e8: 60_000 * BTC, confidence_e8: 10 * BTC, ema_e8: 60_000 * BTC };
    let mut local = LocalChain::start(&program_elf()?, Params::standard(), tick, 1_700_000_000)?;
    let (provider, alice, keeper) = (Keypair::new(), Keypair::new(), Keypair::new());
    let liquidity = local.token_owner(&provider, 10 * BTC)?;
    let lp_mint = local.keys.lp_mint;
    let shares = local.token_account(&provider, &lp_mint)?;
    let trader = local.trader(alice.insecure_clone(), BTC)?;
    let reward = local.token_owner(&keeper, 0)?;
    let (keys, price) = (local.keys, local.price);
    let chain = InProcess::new(local);

    let deposit = LiquidityDeposit { depositor: provider.pubkey(), source: liquidity, destination: shares, price };
    Sender::new(&chain, &provider).send(&[deposit_liquidity(&keys, deposit, 10 * BTC, 1)])?;

    // Margin and a market order in one transaction: short $59,000 on 1 BTC, a synthetic dollar but for what $1,000 buys.
    let terms = market_terms(PositionDirection::Short, OrderAmount::Increase(59_000 * DOLLAR_E6), TIP_SATS);
    let placing = Placing { trader: alice.pubkey(), position: trader.position, id: 0, price, linked_with: None };
    let open =
        [deposit_collateral(&keys, alice.pubkey(), trader.position, trader.tokens, BTC), place_order(&keys, placing, &terms)];
    let landed = Sender::new(&chain, &alice).send(&open)?;
    println!("placed with {} compute units", landed.units);

    // Six seconds later the first price that did not exist when it was placed fills it; anybody may bring it.
    chain.local().advance(6);
    chain.local().post(tick)?;
    let execution = Execution {
        order: OrderRef { position: trader.position, id: 0, payer: alice.pubkey() },
        price,
        fill_price: None,
        destination: reward,
        triggerer: None,
        partner: None,
    };
    let landed = Sender::new(&chain, &keeper).send(&[execute_order(&keys, execution)])?;
    let filled = events::in_logs(&landed.logs).into_iter().find_map(|event| match event {
        Event::OrderFilled(filled) => Some(filled),
        _ => None,
    });
    println!("filled at {} (1e-8 USD)", filled.context("the order did not fill")?.fill.price_e8.get());

    // What it comes to, offline, by the engine.
    let market = MarketView::read(&chain, &keys.market)?;
    let view = PositionView::of(&market, trader.position, chain.position(&trader.position)?)?;
    let open = view.outlook.context("the position is flat")?;
    println!("equity {} sats, liquidated {:?}", open.equity_sats, open.liquidation);
    anyhow::ensure!(open.liquidation == Threshold::Never, "a short below 1x cannot be liquidated");
    Ok(())
}
