//! A market with a crowd: positions of many sizes and leverages on both sides, whose owners come back when they have lost everything,
//! and rest stops and take-profits.

use super::path;
use super::truth;
use inverse_perps::instructions::{OrderAmount, OrderType, PositionDirection};
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::params::Params;
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Bps, Sats};
use perps::client::instructions::any_price_to_close;
use perps::client::orders::{market_terms, OrderTerms};
use perps::client::pyth::{archive_shard, feed_account, price_update, ARCHIVE_SHARDS, RECEIVER};
use perps::local::{program_elf, LocalChain, Tick, Trader, FEED_ID};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::sync::OnceLock;

/// 12 March 2020, 00:00 UTC, is when the chains of these tests begin.
pub const START: i64 = 1_583_971_200;
const BTC: u64 = 100_000_000;
const DOLLAR: u64 = 1_000_000;
const POOL: u64 = 3_000 * BTC;
const TIP: u64 = 1_000;
/// Orders rest for this many seconds.
const RESTS: i64 = 100_000;

/// Everybody who trades on a chain.
pub struct Crowd {
    traders: Vec<Trader>,
    /// Their positions, in the same order.
    pub positions: Vec<Address>,
    /// Somebody else who liquidates.
    pub rival: Keypair,
    rival_tokens: Address,
    random: StdRng,
    shards: Vec<Address>,
    /// How many positions were opened, and orders placed.
    pub opened: usize,
    pub placed: usize,
}

fn elf() -> &'static std::path::Path {
    static ELF: OnceLock<std::path::PathBuf> = OnceLock::new();
    ELF.get_or_init(|| program_elf().expect("the program can be built"))
}

/// A chain whose market trades at once and by orders, with a pool of 3,000 BTC and an insurance fund.
pub fn chain(first: Tick) -> LocalChain {
    // Owners may open again soon after a jump: the more positions, the more there is to liquidate.
    let (max_jump, ema_bound) = (Bps::new(2_500), Bps::new(2_500));
    let params = Params { max_pool: Sats::new(10_000 * BTC), max_jump, ema_bound, ..Params::standard() };
    let mut local = LocalChain::start_filling(elf(), params, first, START, Fills::Instant).expect("a chain");
    let provider = Keypair::new_from_array([0x11; 32]);
    let tokens = local.token_owner(&provider, POOL + 100 * BTC).expect("a token account");
    let provider = Trader { tokens, position: Address::default(), keypair: provider };
    let lp_mint = local.keys.lp_mint;
    let shares = local.token_account(&provider.keypair, &lp_mint).expect("an account of shares");
    let deposit = local.deposit_liquidity(&provider, shares, POOL);
    let insure = local.fund_insurance(&provider, 100 * BTC);
    local.send(&[deposit, insure], &provider.keypair).expect("the pool takes it");
    local
}

/// A keypair with lamports and its associated token account, as a keeper needs it.
pub fn keeper(local: &mut LocalChain, secret: u8) -> Keypair {
    let keypair = Keypair::new_from_array([secret; 32]);
    local.associated_owner(&keypair).expect("a token account");
    keypair
}

impl Crowd {
    /// So many traders, each with a position of $100 to $100,000 at a leverage of 4 to 40.
    pub fn gather(local: &mut LocalChain, many: usize, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let traders: Vec<Trader> =
            (0..many).map(|_| local.trader(Keypair::new_from_array(random.gen()), 0).expect("a trader")).collect();
        let rival = Keypair::new_from_array([0x44; 32]);
        let rival_tokens = local.token_owner(&rival, 0).expect("a token account");
        let shards = (1..=ARCHIVE_SHARDS).map(|shard| feed_account(&FEED_ID, shard)).collect();
        let positions = traders.iter().map(|trader| trader.position).collect();
        let mut crowd = Self { traders, positions, rival, rival_tokens, random, shards, opened: 0, placed: 0 };
        for place in 0..many {
            crowd.open(local, place);
        }
        assert_eq!(crowd.opened, many, "every position opens at once");
        crowd
    }

    /// Moves the chain on by a second: Clock, price and the archive of prices.
    pub fn publish(&self, local: &mut LocalChain, tick: Tick) {
        local.advance(1);
        local.post(tick).expect("a price");
        let says = local.newest();
        let data = price_update(&says).expect("a price account");
        let shard = usize::from(archive_shard(says.publish_time)) - 1;
        let account = Account { lamports: BTC, data, owner: RECEIVER, executable: false, rent_epoch: 0 };
        local.svm.set_account(self.shards[shard], account).expect("a price account");
    }

    /// Lets an owner open anew what was lost, and another rest an order with a chance of one in `orders`; nobody touches a position that
    /// can be liquidated.
    pub fn stir(&mut self, local: &mut LocalChain, orders: Option<u32>) {
        let flat = |place: &usize| {
            local
                .position(&self.positions[*place])
                .is_ok_and(|found| found.state.direction == 0 && found.state.pending_order == 0)
        };
        let flat: Vec<usize> = (0..self.positions.len()).filter(flat).collect();
        if let Some(place) = self.any(&flat) {
            self.open(local, place);
        }
        if orders.is_some_and(|orders| self.random.gen_ratio(1, orders)) {
            let place = self.random.gen_range(0..self.positions.len());
            self.rest(local, place);
        }
    }

    fn any(&mut self, of: &[usize]) -> Option<usize> {
        (!of.is_empty()).then(|| of[self.random.gen_range(0..of.len())])
    }

    /// Opens at once or, as the market refuses that for a minute after a jump, by a market order, which somebody must fill.
    fn open(&mut self, local: &mut LocalChain, place: usize) {
        let trader = &self.traders[place];
        let direction = if self.random.gen() { PositionDirection::Long } else { PositionDirection::Short };
        let dollars = 100 * 10u64.pow(self.random.gen_range(0..3)) * self.random.gen_range(1..=10);
        let leverage = self.random.gen_range(4..=40);
        let price = u64::try_from(local.newest().price_e8).expect("a price above zero");
        let sats = u128::from(dollars * DOLLAR) * 10_000_000_000 / u128::from(price) / leverage;
        let sats = u64::try_from(sats).expect("no more than there is") + TIP;
        local.mint(&trader.tokens, sats).expect("bitcoin for everybody");
        local.send(&[local.deposit(trader, sats)], &trader.keypair).expect("margin is always taken");
        if local.send(&[local.increase(trader, direction, dollars * DOLLAR)], &trader.keypair).is_ok() {
            self.opened += 1;
            return;
        }
        let id = local.position(&trader.position).expect("the position is there").state.next_order;
        let terms = market_terms(direction, OrderAmount::Increase(dollars * DOLLAR), TIP);
        if local.send(&[local.place(trader, id, None, &terms)], &trader.keypair).is_ok() {
            self.placed += 1;
        }
    }

    /// Rests a stop or a take-profit a little away from the price, where there is a healthy position without one.
    fn rest(&mut self, local: &mut LocalChain, place: usize) {
        let trader = &self.traders[place];
        let view = truth::position(local, &truth::market(local), trader.position);
        let Some(outlook) = view.outlook.filter(|outlook| !outlook.liquidatable && view.stored.state.open_orders == 0) else {
            return;
        };
        let direction = match outlook.direction {
            Direction::Long => PositionDirection::Long,
            Direction::Short => PositionDirection::Short,
        };
        let away = outlook.mark.get() / 1_000 * self.random.gen_range(3..20);
        let (above, below) = (outlook.mark.get() + away, outlook.mark.get() - away);
        let takes_profit: bool = self.random.gen();
        let kind = match (takes_profit, outlook.direction) {
            (true, Direction::Long) => OrderType::TakeProfit(above),
            (true, Direction::Short) => OrderType::TakeProfit(below),
            (false, Direction::Long) => OrderType::Stop(below),
            (false, Direction::Short) => OrderType::Stop(above),
        };
        let terms = OrderTerms {
            kind,
            direction,
            amount: OrderAmount::Close,
            limit_price_e8: any_price_to_close(direction),
            expiry: local.time() + RESTS,
            tip_sats: TIP,
        };
        let placing = local.place(trader, view.stored.state.next_order, None, &terms);
        // Where the price would trigger it at once, or the margin has no room for the tip, there is no order.
        if local.send(&[placing], &trader.keypair).is_ok() {
            self.placed += 1;
        }
    }

    /// The rival liquidates a position, where he can.
    pub fn rival_liquidates(&self, local: &mut LocalChain, position: Address) -> bool {
        let liquidate = local.liquidate(position, self.rival_tokens);
        local.send(&[liquidate], &self.rival).is_ok()
    }

    /// Who the rival is, in events.
    pub fn rival(&self) -> Address {
        self.rival.pubkey()
    }
}

/// The first price of a path, for a chain to begin with.
pub fn first(seed: u64, first_candle: usize) -> Tick {
    path::ticks(seed, first_candle, 1)[0]
}
