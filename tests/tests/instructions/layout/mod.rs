//! Accounts as bytes: what is stored today must be read tomorrow.
//!
//! The files beside this one are stored accounts, a field a line with its offset, its value and its bytes. A change that
//! moves a field, changes its width or its byte order fails here; a new version of the layout needs new files beside these.

use inverse_perps::state::{Exchange, Market, Order, PendingUpdate, Position, Settlement, Withdrawal};
use inverse_perps_engine::units::*;
use inverse_perps_tests::harness::prelude::*;
use perps::client::accounts;
use std::mem::offset_of;

/// A field's value as the files write it.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($plain:ty),*; $($unit:ty),*) => {
        $(impl Shown for $plain { fn shown(&self) -> String { self.to_string() } })*
        $(impl Shown for $unit { fn shown(&self) -> String { self.get().to_string() } })*
    };
}
shown!(u8, u16, u32, u64, i64; Basis, Bps, Confidence, CostIndex, ExitIndex, FineSats, Notional, Price, Sats, Scale, Seconds, Shares, UnixTime);

impl Shown for Address {
    fn shown(&self) -> String {
        hex(self.as_ref())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// A line of a file.
struct Row {
    offset: usize,
    field: String,
    value: String,
    bytes: Vec<u8>,
}

fn rows(file: &str) -> Vec<Row> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [offset, field, value, bytes] = words[..] else { panic!("four words a line: {line}") };
        let value = if value == "-" { bytes } else { value };
        Row { offset: offset.parse().expect("an offset"), field: field.into(), value: value.into(), bytes: unhex(bytes) }
    };
    lines.map(row).collect()
}

/// The account of a file; its rows leave no gap.
fn account(rows: &[Row]) -> Vec<u8> {
    let mut data = Vec::new();
    for row in rows {
        assert_eq!(row.offset, data.len(), "a gap before {}", row.field);
        data.extend(&row.bytes);
    }
    data
}

/// Name, offset in the account and value of fields of a decoded account.
macro_rules! fields {
    ($type:ty, $value:expr; $($($field:ident).+),* $(,)?) => {
        vec![$((stringify!($($field).+).replace(' ', ""), 8 + offset_of!($type, $($field).+), $value.$($field).+.shown())),*]
    };
}

/// Every row that is not discriminator or reserve is a field at its offset with its value, and the other way round.
fn assert_same(rows: &[Row], fields: &[(String, usize, String)]) {
    let reserve = |row: &&Row| row.field == "discriminator" || row.field.contains("reserved");
    for row in rows.iter().filter(|row| !reserve(row)) {
        let (_, offset, value) =
            fields.iter().find(|(name, ..)| *name == row.field).unwrap_or_else(|| panic!("{} is gone", row.field));
        assert_eq!((*offset, value), (row.offset, &row.value), "{}", row.field);
    }
    assert_eq!(fields.len(), rows.iter().filter(|row| !reserve(row)).count(), "as many fields as rows");
    for row in rows.iter().filter(reserve).skip(1) {
        assert!(row.bytes.iter().all(|byte| *byte == 0), "{} is zero", row.field);
    }
}

#[test]
fn a_stored_position_reads_as_it_was_written() {
    let rows = rows(include_str!("position.txt"));
    let data = account(&rows);
    assert_eq!((data.len(), Position::SPACE), (256, 256), "a position is at most 256 bytes");
    let position = accounts::position(&data).expect("the stored bytes are a position");
    let fields = fields![
        Position, position;
        sub_account, version, bump, market, owner, delegate,
        state.margin, state.tips, state.shares, state.basis, state.scale, state.exit_index, state.cost_index,
        state.last_increase, state.next_order, state.void_orders_below, state.pending_order, state.open_orders, state.direction,
        state.claim, state.claim_epoch, state.margin_epoch, state.budget.daily, state.budget.spent,
        state.budget.day, state.budget.void_orders_below,
    ];
    assert_same(&rows, &fields);
}

#[test]
fn a_stored_market_reads_as_it_was_written() {
    let rows = rows(include_str!("market.txt"));
    let data = account(&rows);
    assert_eq!(data.len(), Market::SPACE);
    assert!(data.len() <= 1_024, "a market is at most 1,024 bytes");
    let market = accounts::market(&data).expect("the stored bytes are a market");
    let mut fields = fields![
        Market, market;
        index, version, bump, oracle_kind, mint, vault, lp_mint, oracle, event_sequence,
        state.long.scale, state.long.exit_index, state.long.cost_index, state.long.shares, state.long.basis, state.long.margin,
        state.long.owed, state.long.cost_owed, state.long.positions,
        state.short.scale, state.short.exit_index, state.short.cost_index, state.short.shares, state.short.basis,
        state.short.margin, state.short.owed, state.short.cost_owed, state.short.positions,
        state.ledger.margin, state.ledger.pool, state.ledger.insurance, state.ledger.protocol_fees, state.ledger.funds,
        state.last_accrual, state.pool_shares, state.bad_debt, state.queued_shares, state.insurance_day, state.insurance_left,
        state.lifecycle.settlement_price, state.lifecycle.settlement_publish_time, state.lifecycle.claims,
        state.lifecycle.top_up_most, state.lifecycle.declared_dead, state.lifecycle.epoch, state.lifecycle.status,
        state.lifecycle.for_good, state.risk_paused_until, state.spared.initial, state.spared.initial_slope,
        state.spared.maintenance, state.spared.maintenance_slope, state.spared_until, state.margin_epoch, state.instant_fills,
        lp_escrow,
    ];
    fields.extend(fields![
        Market, market;
        state.prices.price, state.prices.confidence, state.prices.ema, state.prices.publish_time, state.prices.slot,
        state.prices.interval, state.prices.slot_low, state.prices.slot_high, state.prices.bucket, state.prices.low,
        state.prices.high, state.prices.previous_low, state.prices.previous_high, state.prices.lag_interval, state.prices.lag,
        state.prices.previous_lag, state.prices.decrease_time, state.prices.liquidity_time, state.prices.stalled_seconds,
    ]);
    fields.extend(fields![
        Market, market;
        state.params.skew_scale, state.params.impact_scale, state.params.min_notional, state.params.max_side_notional,
        state.params.max_position_notional, state.params.settle_tip, state.params.min_first_deposit, state.params.max_pool,
        state.params.min_order_tip, state.params.max_order_tip, state.params.initial_margin, state.params.maintenance_margin,
        state.params.initial_margin_slope, state.params.maintenance_margin_slope, state.params.taker_fee,
        state.params.fee_to_pool, state.params.fee_to_insurance, state.params.fee_to_protocol, state.params.liquidation_fee,
        state.params.min_reward, state.params.spread_multiplier, state.params.strict_confidence, state.params.wide_confidence,
        state.params.ema_bound, state.params.max_jump, state.params.fresh_age, state.params.wide_age, state.params.max_future,
        state.params.order_delay, state.params.min_hold, state.params.stress, state.params.max_utilisation,
        state.params.deleverage_target, state.params.deleverage_trigger, state.params.max_funding, state.params.max_borrow,
        state.params.max_accrual_gap, state.params.impact_max, state.params.insurance_daily_cap, state.params.cool_down,
        state.params.withdrawal_window, state.params.dead_oracle_after, state.params.dead_oracle_grace,
    ]);
    assert_same(&rows, &fields);
}

#[test]
fn a_stored_settlement_reads_as_it_was_written() {
    let rows = rows(include_str!("settlement.txt"));
    let data = account(&rows);
    assert_eq!(data.len(), Settlement::SPACE);
    let settlement = accounts::settlement(&data).expect("the stored bytes are a settlement");
    let fields = fields![
        Settlement, settlement;
        market, payer, epoch, version, bump, state.payable, state.claims, state.left, state.unredeemed,
    ];
    assert_same(&rows, &fields);
}

#[test]
fn a_stored_withdrawal_reads_as_it_was_written() {
    let rows = rows(include_str!("withdrawal.txt"));
    let data = account(&rows);
    assert_eq!(data.len(), Withdrawal::SPACE);
    let withdrawal = accounts::withdrawal(&data).expect("the stored bytes are a withdrawal");
    let fields = fields![
        Withdrawal, withdrawal;
        market, owner, payer, id, state.shares, state.requested_at, state.stalled_seconds, state.cool_down, state.window,
        version, bump,
    ];
    assert_same(&rows, &fields);
}

#[test]
fn a_stored_order_reads_as_it_was_written() {
    let rows = rows(include_str!("order.txt"));
    let data = account(&rows);
    assert_eq!((data.len(), Order::SPACE), (232, 232));
    let order = accounts::order(&data).expect("the stored bytes are an order");
    let fields = fields![
        Order, order;
        position, payer, partner, triggered_by, state.id, state.epoch, state.kind, state.direction, state.reduce_only,
        state.pending, state.by_delegate, state.dead, state.notional, state.trigger, state.limit, state.tip, state.budgeted,
        state.expiry, state.placed_at, state.placed_slot, state.due, version, bump,
    ];
    assert_same(&rows, &fields);
}

#[test]
fn a_stored_proposal_reads_as_it_was_written() {
    let rows = rows(include_str!("pending_update.txt"));
    let data = account(&rows);
    assert_eq!(data.len(), PendingUpdate::SPACE);
    let pending = accounts::pending_update(&data).expect("the stored bytes are a proposal");
    let fields = fields![
        PendingUpdate, pending;
        market, payer, state.params.skew_scale, state.params.impact_scale, state.params.min_notional, state.params.max_side_notional,
        state.params.max_position_notional, state.params.settle_tip, state.params.min_first_deposit, state.params.max_pool,
        state.params.min_order_tip, state.params.max_order_tip, state.params.initial_margin, state.params.maintenance_margin,
        state.params.initial_margin_slope, state.params.maintenance_margin_slope, state.params.taker_fee,
        state.params.fee_to_pool, state.params.fee_to_insurance, state.params.fee_to_protocol, state.params.liquidation_fee,
        state.params.min_reward, state.params.spread_multiplier, state.params.strict_confidence, state.params.wide_confidence,
        state.params.ema_bound, state.params.max_jump, state.params.fresh_age, state.params.wide_age, state.params.max_future,
        state.params.order_delay, state.params.min_hold, state.params.stress, state.params.max_utilisation,
        state.params.deleverage_target, state.params.deleverage_trigger, state.params.max_funding, state.params.max_borrow,
        state.params.max_accrual_gap, state.params.impact_max, state.params.insurance_daily_cap, state.params.cool_down,
        state.params.withdrawal_window, state.params.dead_oracle_after, state.params.dead_oracle_grace,
        state.executable_at, state.expires_at, admin_epoch, version, bump,
    ];
    assert_same(&rows, &fields);
}

/// The exchange is not a struct in place but borsh, without padding: its offsets are the sums of the widths before.
#[test]
fn a_stored_exchange_reads_as_it_was_written() {
    let rows = rows(include_str!("exchange.txt"));
    let data = account(&rows);
    assert_eq!(data.len(), 8 + <Exchange as anchor_lang::Space>::INIT_SPACE);
    let exchange = accounts::exchange(&data).expect("the stored bytes are an exchange");
    let Exchange { version, bump, admin, pending_admin, guardian, fee_recipient, .. } = exchange;
    let values = [
        ("version", version.shown()),
        ("bump", bump.shown()),
        ("admin", admin.shown()),
        ("pending_admin", pending_admin.shown()),
        ("guardian", guardian.shown()),
        ("fee_recipient", fee_recipient.shown()),
        ("timelock_seconds", exchange.timelock_seconds.shown()),
        ("admin_epoch", exchange.admin_epoch.shown()),
    ];
    let stored = rows[1..rows.len() - 1].iter().map(|row| (row.field.as_str(), row.value.clone()));
    assert!(stored.eq(values));
    assert_eq!(exchange.reserved, [0; 60]);
    let mut written = Vec::new();
    anchor_lang::AccountSerialize::try_serialize(&exchange, &mut written).expect("memory takes every byte");
    assert_eq!(written, data);
}

/// The bytes on chain are the struct: what the program wrote is at the documented offsets, read without the program's types.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_writes_where_the_files_say() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    chain.succeed("open", &[market.open(&alice, Short, 100_000)], &[&alice.keypair]).await;
    let word = |data: &[u8], rows: &[Row], field: &str| {
        let at = rows.iter().find(|row| row.field == field).expect("a row").offset;
        u64::from_le_bytes(data[at..at + 8].try_into().expect("eight bytes"))
    };
    let position = chain.account(&alice.position).await.expect("the position exists").data;
    let rows_of_position = rows(include_str!("position.txt"));
    let of_position = |field| word(&position, &rows_of_position, field);
    assert_eq!(of_position("state.margin"), 9_895_000);
    assert_eq!((of_position("state.shares"), of_position("state.basis")), (dollars(100_000), 200_000_000));
    assert_eq!(of_position("state.scale"), 1_000_000_000_000_000_000);
    assert_eq!(position[rows_of_position.iter().find(|row| row.field == "state.direction").expect("a row").offset], 2);

    let place = market.place(&alice, 0, &market_order(Short, OrderAmount::Reduce(dollars(40_000))));
    chain.succeed("place", &[place], &[&alice.keypair]).await;
    let address = perps::client::addresses::order(&alice.position, 0).0;
    let order = chain.account(&address).await.expect("the order exists").data;
    let rows_of_order = rows(include_str!("order.txt"));
    let of_order = |field| word(&order, &rows_of_order, field);
    assert_eq!((of_order("state.notional"), of_order("state.tip")), (dollars(40_000), TIP));
    assert_eq!(of_order("state.due"), u64::try_from(chain.time()).expect("positive") + 6);
    // kind, direction, reduce_only, pending, by_delegate, dead
    let at = rows_of_order.iter().find(|row| row.field == "state.kind").expect("a row").offset;
    assert_eq!(order[at..at + 6], [0, 2, 1, 1, 0, 0]);
    assert_eq!(&order[8..40], alice.position.as_ref());

    let account = chain.account(&market.keys.market).await.expect("the market exists").data;
    let rows_of_market = rows(include_str!("market.txt"));
    let of_market = |field| word(&account, &rows_of_market, field);
    assert_eq!((of_market("state.short.shares"), of_market("state.short.margin")), (dollars(100_000), 9_895_000));
    assert_eq!((of_market("state.ledger.margin"), of_market("state.ledger.pool")), (9_895_000, 10_000_063_000));
    assert_eq!((of_market("state.prices.price"), of_market("state.pool_shares")), (usd(50_000), 100 * BTC));
}
