//! `create_market`

use crate::accounts::{unsigned, with_account};
use crate::params_bounds::one_step_too_far;
use inverse_perps::state::OracleSource;
use inverse_perps_tests::harness::prelude::*;
use perps::client::pyth::RECEIVER;
use perps::client::{accounts, exchange};

const PULL: OracleSource = OracleSource::PythPull { feed_id: FEED };
// Places: 0 admin, 1 exchange, 2 mint, 3 market, 4 vault, 5 LP mint, 6 LP escrow, 7 price,
// 8 token program, 9 system program.

/// A chain with an exchange, a mint and a price account, but no market.
async fn ready() -> (Chain, Keypair, Address, Address) {
    let mut chain = Chain::bare().await;
    chain.initialize().await;
    let admin = chain.admin.insecure_clone();
    let mint = chain.new_mint(8);
    let price = Address::new_unique();
    let update = chain.update(Tick::at(50_000));
    chain.post_account(&price, update, RECEIVER);
    (chain, admin, mint, price)
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_market_vault_lp_mint_and_escrow_once() {
    // Given an exchange and a mint of 8 decimals,
    let (mut chain, admin, mint, price) = ready().await;
    let keys = MarketKeys::find(mint, 65_535);
    let args = CreateMarketArgs { index: 65_535, oracle: PULL, params: Params::standard(), instant_fills: true };
    let create = instructions::create_market(admin.pubkey(), mint, price, args);

    // when the admin creates a market,
    let sent = chain.succeed("create", from_ref(&create), &[&admin]).await;

    // then it stands there empty with its parameters,
    let market = chain.market(&keys.market).await;
    assert_eq!((market.version, market.index, market.oracle_kind), (1, 65_535, 0));
    assert_eq!((market.mint, market.vault, market.lp_mint), (mint, keys.vault, keys.lp_mint));
    assert_eq!((market.oracle.to_bytes(), market.event_sequence), (FEED, 1));
    assert_eq!(market.state.params, Params::standard());
    assert_eq!((market.state.ledger, market.state.pool_shares), (Default::default(), 0));
    assert_eq!(market.state.last_accrual.get(), chain.time());
    assert_eq!(
        (market.state.long, market.state.short),
        (inverse_perps_engine::Side::empty(), inverse_perps_engine::Side::empty())
    );

    // the vault is a token account that only the market can spend from and nobody can close,
    let vault = chain.account(&keys.vault).await.expect("the vault exists");
    assert_eq!(vault.owner, TOKEN_PROGRAM);
    assert_eq!((&vault.data[..32], &vault.data[32..64]), (mint.as_ref(), keys.market.as_ref()));
    assert_eq!(
        (&vault.data[72..76], &vault.data[129..133]),
        (&[0; 4][..], &[0; 4][..]),
        "neither delegate nor close authority"
    );

    // the LP mint has 8 decimals, the market as authority, and no freeze authority,
    let lp_mint = chain.account(&keys.lp_mint).await.expect("the LP mint exists");
    assert_eq!((lp_mint.owner, &lp_mint.data[4..36], lp_mint.data[44]), (TOKEN_PROGRAM, keys.market.as_ref(), 8));
    assert_eq!(&lp_mint.data[46..50], &[0; 4], "no freeze authority");

    // the escrow holds shares and is the market's alone,
    let escrow = chain.account(&keys.lp_escrow).await.expect("the escrow exists");
    assert_eq!((escrow.owner, market.lp_escrow), (TOKEN_PROGRAM, keys.lp_escrow));
    assert_eq!((&escrow.data[..32], &escrow.data[32..64]), (keys.lp_mint.as_ref(), keys.market.as_ref()));

    // and the event says all of it.
    let Event::MarketCreated(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.head.sequence), (keys.market, 1));
    assert_eq!((event.mint, event.vault, event.lp_mint), (mint, keys.vault, keys.lp_mint));
    assert_eq!((event.oracle.to_bytes(), event.oracle_kind, event.index), (FEED, 0, 65_535));

    chain.refuse("again", &[create], &[&admin], Refusal::ADDRESS_IN_USE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_the_admin_and_the_right_accounts() {
    let (mut chain, admin, mint, price) = ready().await;
    let thief = chain.somebody();
    let args = CreateMarketArgs { index: 0, oracle: PULL, params: Params::standard(), instant_fills: true };
    let create = |who: Address, mint: Address| instructions::create_market(who, mint, price, args);
    let good = create(admin.pubkey(), mint);

    chain.refuse("by somebody else", &[create(thief.pubkey(), mint)], &[&thief], PerpError::NotAdmin).await;
    chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    // The thief's own exchange: the program's bytes and owner, but not its address.
    let forged = Address::new_unique();
    let mut account = chain.account(&exchange()).await.expect("the exchange exists");
    let mut stored = accounts::exchange(&account.data).expect("an exchange");
    stored.admin = thief.pubkey();
    account.data.clear();
    anchor_lang::AccountSerialize::try_serialize(&stored, &mut account.data).expect("memory takes every byte");
    chain.set_account(&forged, account);
    let by_thief = with_account(&create(thief.pubkey(), mint), 1, forged);
    chain.refuse("with a forged exchange", &[by_thief], &[&thief], ErrorCode::ConstraintSeeds).await;

    let elsewhere = MarketKeys::find(mint, 1);
    for (place, address) in [(3, elsewhere.market), (4, elsewhere.vault), (5, elsewhere.lp_mint), (6, elsewhere.lp_escrow)] {
        let misplaced = with_account(&good, place, address);
        chain.refuse(&format!("account {place} misplaced"), &[misplaced], &[&admin], ErrorCode::ConstraintSeeds).await;
    }

    for decimals in [0, 7, 9] {
        let mint = chain.new_mint(decimals);
        let other = create(admin.pubkey(), mint);
        chain.refuse(&format!("{decimals} decimals"), &[other], &[&admin], PerpError::WrongDecimals).await;
    }
    let modern = Address::new_unique();
    let account = mint_account(TOKEN_2022_PROGRAM, &admin.pubkey(), 8);
    chain.set_account(&modern, account);
    let of_2022 = with_account(&create(admin.pubkey(), modern), 8, TOKEN_2022_PROGRAM);
    chain.refuse("a Token-2022 mint", &[of_2022], &[&admin], PerpError::Token2022NotSupported).await;
    let classic_by_2022 = with_account(&good, 8, TOKEN_2022_PROGRAM);
    chain.refuse("with the other program", &[classic_by_2022], &[&admin], ErrorCode::InvalidProgramId).await;
    let tokens = chain.token_account(&mint, &admin.pubkey(), 1);
    let not_a_mint = create(admin.pubkey(), tokens);
    chain.refuse("a token account as mint", &[not_a_mint], &[&admin], Refusal::NOT_SUCH_AN_ACCOUNT).await;

    chain.succeed("as it should be", &[good], &[&admin]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_a_price_account_of_its_source() {
    let (mut chain, admin, mint, price) = ready().await;
    let good = chain.update(Tick::at(50_000));
    let mut of_another_feed = good.clone();
    of_another_feed[41] ^= 1;
    let mut of_another_type = good.clone();
    of_another_type[0] ^= 1;
    let args = CreateMarketArgs { index: 0, oracle: PULL, params: Params::standard(), instant_fills: true };
    let create = instructions::create_market(admin.pubkey(), mint, price, args);
    let cases = [
        ("of another program", good.clone(), LEGACY_PROGRAM, PerpError::WrongOracleOwner),
        ("of another type", of_another_type, RECEIVER, PerpError::WrongOracleAccount),
        ("partially verified", partially_verified(good.clone()), RECEIVER, PerpError::PriceNotFullyVerified),
        ("of another feed", of_another_feed, RECEIVER, PerpError::WrongFeed),
    ];
    for (what, bytes, owner, error) in cases {
        chain.post_account(&price, bytes, owner);
        chain.refuse(&format!("a price account {what}"), from_ref(&create), &[&admin], error).await;
    }
    chain.post_account(&price, good, RECEIVER);
    chain.succeed("the market's own", &[create], &[&admin]).await;
}

/// The hard bounds of the design's section 11.
#[tokio::test(flavor = "multi_thread")]
async fn holds_every_parameter_to_its_hard_bounds() {
    let (mut chain, admin, mint, price) = ready().await;
    for (what, params, error) in one_step_too_far() {
        let args = CreateMarketArgs { index: 0, oracle: PULL, params, instant_fills: true };
        let create = instructions::create_market(admin.pubkey(), mint, price, args);
        chain.refuse(what, &[create], &[&admin], error).await;
    }
    let args = CreateMarketArgs { index: 0, oracle: PULL, params: Params::standard(), instant_fills: true };
    chain.succeed("within them", &[instructions::create_market(admin.pubkey(), mint, price, args)], &[&admin]).await;
}
