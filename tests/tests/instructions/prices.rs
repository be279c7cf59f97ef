//! Every price account and every price that an instruction must refuse, tried on it one by one.

use inverse_perps_tests::harness::prelude::*;
use perps::client::pyth::RECEIVER;
use PerpError::*;

/// The limits that an instruction holds a price to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Fresh, narrow, near its average.
    Instant,
    /// The same wherever the average is.
    InstantAnyAverage,
    /// What keeps the market safe must also work with an older and wider price.
    Upkeep,
}

/// Refuses the wrong account and the wrong price alike, and takes the price at the very edge of what is allowed.
pub async fn refuses_bad_prices(
    chain: &mut Chain,
    market: &TestMarket,
    instruction: &Instruction,
    signers: &[&Keypair],
    limits: Limits,
) {
    refuses_wrong_accounts(chain, market, instruction, signers).await;
    refuses_wrong_numbers(chain, market, instruction, signers).await;
    refuses_beyond_limits(chain, market, instruction, signers, limits).await;
    chain.advance(120);
    chain.post(market, Tick::at(50_000));
}

/// Refuses accounts that are not the price of this market.
pub async fn refuses_wrong_accounts(chain: &mut Chain, market: &TestMarket, instruction: &Instruction, signers: &[&Keypair]) {
    chain.advance(120);
    let good = chain.update(Tick::at(50_000));
    let ours = inverse_perps::ID;
    for owner in [LEGACY_PROGRAM, TOKEN_PROGRAM, ours, Address::default()] {
        chain.post_account(&market.price, good.clone(), owner);
        chain.refuse(&format!("a price account of {owner}"), from_ref(instruction), signers, WrongOracleOwner).await;
    }
    let mut other_type = good.clone();
    other_type[..8].copy_from_slice(&[104, 192, 188, 72, 246, 166, 12, 81]); // `TwapUpdate`'s discriminator
    let mut other_feed = good.clone();
    other_feed[41] ^= 1; // the feed id's first byte: 8 of discriminator, 32 of write authority, 1 of verification
    let short = good[..good.len() - 2].to_vec(); // the account is a byte longer than a fully verified update
    let cases = [
        ("of another type", other_type, WrongOracleAccount),
        ("too short", short, WrongOracleAccount),
        ("empty", Vec::new(), WrongOracleAccount),
        ("partially verified", partially_verified(good.clone()), PriceNotFullyVerified),
        ("of another feed", other_feed, WrongFeed),
    ];
    for (what, bytes, error) in cases {
        chain.post_account(&market.price, bytes, RECEIVER);
        chain.refuse(&format!("a price account {what}"), from_ref(instruction), signers, error).await;
    }
}

/// Refuses prices that cannot be.
pub async fn refuses_wrong_numbers(chain: &mut Chain, market: &TestMarket, instruction: &Instruction, signers: &[&Keypair]) {
    chain.advance(120);
    let fine = Tick::at(50_000);
    let cases = [
        ("zero", Tick { price_e8: 0, ..fine }, PriceNotPositive),
        ("negative", Tick { price_e8: -5_000_000_000_000, ..fine }, PriceNotPositive),
        ("least", Tick { price_e8: i64::MIN, ..fine }, PriceNotPositive),
        ("of average zero", Tick { ema_e8: 0, ..fine }, PriceNotPositive),
        ("below $1", Tick { price_e8: 99_999_999, ..fine }, PriceOutOfRange),
        ("above $100,000,000", Tick { price_e8: 10_000_000_000_000_001, ..fine }, PriceOutOfRange),
        ("61 s ahead", fine.aged(-61), PriceInFuture),
    ];
    for (what, tick, error) in cases {
        chain.post(market, tick);
        chain.refuse(&format!("a price {what}"), from_ref(instruction), signers, error).await;
    }
    for exponent in [-13, 1, 3, i32::MIN, i32::MAX] {
        let update = with_exponent(chain.update(fine), exponent);
        chain.post_bytes(market, update);
        chain.refuse(&format!("exponent {exponent}"), from_ref(instruction), signers, ExponentOutOfRange).await;
    }
}

async fn refuses_beyond_limits(
    chain: &mut Chain,
    market: &TestMarket,
    instruction: &Instruction,
    signers: &[&Keypair],
    limits: Limits,
) {
    let fine = Tick::at(50_000);
    // 60 bps of $50,000 are $300, 25 bps are $125; the next 1e-8 of a dollar is too much.
    let (age, wide) = if limits == Limits::Upkeep { (15, usd(300)) } else { (3, usd(125)) };
    chain.advance(120);
    chain.post(market, fine.aged(age + 1));
    chain.refuse("a price one second too old", from_ref(instruction), signers, PriceTooOld).await;
    chain.post(market, Tick { confidence_e8: wide + 1, ..fine });
    chain.refuse("a price too unsure", from_ref(instruction), signers, ConfidenceTooWide).await;
    // 500 bps of an average of $48,000 are $2,400.
    chain.post(market, Tick { price_e8: 5_040_000_000_001, ..fine.average(48_000) });
    if limits == Limits::Instant {
        chain.refuse("a price far above its average", from_ref(instruction), signers, PriceFarFromAverage).await;
        chain.post(market, Tick { price_e8: 4_559_999_999_999, ..fine.average(48_000) });
        chain.refuse("a price far below its average", from_ref(instruction), signers, PriceFarFromAverage).await;
    }
    if limits == Limits::Upkeep {
        return;
    }
    // 300 bps of $50,000 are $1,500, reckoned against what an earlier slot accepted.
    chain.post(market, fine);
    chain.succeed("an earlier price", &[market.accrue()], &[]).await;
    chain.advance(1);
    chain.post(market, Tick::at(51_501));
    chain.refuse("a price that jumped", from_ref(instruction), signers, PriceJumped).await;
}
