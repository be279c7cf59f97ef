//! The steps of a deployment on the program's ELF, in a chain on which it has just been deployed.

use inverse_perps_engine::units::{Bps, Sats, Seconds};
use inverse_perps_engine::Params;
use migrations::{apply, plan, Applied, Deployment, Exchange, Keys, Plan, Role, Seed, Standing, Step};
use perps::chain::Chain;
use perps::client::addresses::associated_tokens;
use perps::client::{accounts, exchange, governance};
use perps::deployment::NewMarket;
use perps::local::{program_elf, InProcess, LocalChain, Tick, FEED_ID};
use solana_keypair::Keypair;
use solana_signer::Signer;

const NOW: i64 = 1_700_000_000;
const BITCOIN: u64 = 100_000_000;
const PRICE: Tick = Tick { price_e8: 60_000 * BITCOIN, confidence_e8: 10 * BITCOIN, ema_e8: 60_000 * BITCOIN };

/// Four people, each with a key of his own, and what they want.
struct Deploying {
    chain: InProcess,
    authority: Keypair,
    admin: Keypair,
    seeder: Keypair,
    wanted: Deployment,
}

impl Deploying {
    fn new() -> Self {
        let mut local = LocalChain::bare(&program_elf().unwrap(), PRICE, NOW).unwrap();
        let (authority, admin, seeder) = (local.admin(), Keypair::new_from_array([2; 32]), Keypair::new_from_array([3; 32]));
        local.svm.airdrop(&admin.pubkey(), 10_000_000_000).unwrap();
        let tokens = local.associated_owner(&seeder).unwrap();
        local.mint(&tokens, 5 * BITCOIN).unwrap();
        let wanted = Deployment {
            exchange: Exchange {
                authority: authority.pubkey(),
                admin: admin.pubkey(),
                guardian: [4; 32].into(),
                fee_recipient: [5; 32].into(),
                timelock: Seconds::new(259_200),
            },
            market: market(&local, Params { taker_fee: Bps::new(8), ..Params::standard() }),
            pool: Some(Seed { seeder: seeder.pubkey(), amount: Sats::new(3 * BITCOIN) }),
            insurance: Some(Seed { seeder: seeder.pubkey(), amount: Sats::new(BITCOIN / 2) }),
        };
        Self { chain: InProcess::new(local), authority, admin, seeder, wanted }
    }

    fn keys(&self) -> Keys {
        let keys = Keys::new().with(Role::Authority, self.authority.insecure_clone());
        keys.with(Role::Admin, self.admin.insecure_clone()).with(Role::Seeder, self.seeder.insecure_clone())
    }

    fn plan(&self) -> Plan {
        plan(&self.chain, &self.wanted).unwrap()
    }

    fn apply(&self, keys: &Keys) -> (anyhow::Result<()>, Vec<Applied>) {
        let mut told = vec![];
        let outcome = apply(&self.chain, &self.wanted, keys, &mut |_| Ok(()), &mut |applied| {
            told.push(applied.clone());
            Ok(())
        });
        (outcome, told)
    }

    fn tokens(&self, mint: &solana_address::Address) -> u64 {
        let account = self.chain.account(&associated_tokens(&self.seeder.pubkey(), mint)).unwrap();
        accounts::token_amount(&account.data).unwrap()
    }

    /// Signatures that the chain has seen of somebody.
    fn sent(&self, who: &Keypair) -> usize {
        self.chain.signatures(&who.pubkey(), None, 1_000).unwrap().len()
    }
}

fn market(local: &LocalChain, params: Params) -> NewMarket {
    use inverse_perps::instructions::CreateMarketArgs;
    use inverse_perps::state::OracleSource;
    let args = CreateMarketArgs { index: 0, oracle: OracleSource::PythPull { feed_id: FEED_ID }, params, instant_fills: false };
    NewMarket { mint: local.keys.mint, price: local.price, args }
}

fn standings(plan: &Plan) -> [&'static str; 5] {
    [0, 1, 2, 3, 4].map(|place| plan.0[place].standing.name())
}

fn after(plan: &Plan, step: Step) -> Option<Step> {
    match &plan.0.iter().find(|planned| planned.step == step).unwrap().standing {
        Standing::Due(work) => work.after,
        other => panic!("{step:?} is {other:?}"),
    }
}

fn why(plan: &Plan, step: Step) -> String {
    match &plan.0.iter().find(|planned| planned.step == step).unwrap().standing {
        Standing::Blocked(why) => why.clone(),
        other => panic!("{step:?} is {other:?}"),
    }
}

fn facts(plan: &Plan, step: Step) -> String {
    match &plan.0.iter().find(|planned| planned.step == step).unwrap().standing {
        Standing::Done(facts) => facts.join("; "),
        other => panic!("{step:?} is {other:?}"),
    }
}

#[test]
fn a_plan_says_everything_before_anything_is_there_and_signs_nothing() {
    let deploying = Deploying::new();
    let plan = deploying.plan();
    assert_eq!(standings(&plan), ["due", "due", "due", "due", "done"]);
    assert_eq!(after(&plan, Step::Exchange), None);
    assert_eq!(after(&plan, Step::Market), Some(Step::Exchange));
    assert_eq!(after(&plan, Step::Pool), Some(Step::Market));
    assert_eq!(after(&plan, Step::Insurance), Some(Step::Market));
    assert!(facts(&plan, Step::Schema).contains("no account yet"));
    assert!(deploying.chain.accounts(&[exchange()]).unwrap()[0].is_none());

    let mut text = vec![];
    plan.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    for said in
        ["deposit 3 BTC into the pool", "give 0.5 BTC to insurance", "taker_fee 8 bps (standard: 5 bps)", "timelock 259200 s"]
    {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    assert_eq!(plan.to_json()[1]["signer"], deploying.admin.pubkey().to_string());
}

#[test]
fn every_step_is_done_once() {
    let deploying = Deploying::new();
    let (outcome, told) = deploying.apply(&deploying.keys());
    outcome.unwrap();
    assert_eq!(told.iter().map(|applied| applied.landed.is_some()).collect::<Vec<_>>(), [true, true, true, true, false]);

    let stored = accounts::exchange(&deploying.chain.account(&exchange()).unwrap().data).unwrap();
    assert_eq!((stored.admin, stored.guardian), (deploying.admin.pubkey(), [4; 32].into()));
    assert_eq!((stored.fee_recipient, stored.timelock_seconds), ([5; 32].into(), 259_200));
    let keys = deploying.wanted.market.keys();
    let market = deploying.chain.market(&keys.market).unwrap().state;
    assert_eq!(market.params, Params { taker_fee: Bps::new(8), ..Params::standard() });
    assert_eq!(market.instant_fills, 0);
    // 3 BTC are the pool's, with a share a satoshi; 0.5 are insurance's; 1.5 of 5 are left.
    assert_eq!((market.ledger.pool, market.pool_shares), (Sats::new(300_000_000), 300_000_000));
    assert_eq!(market.ledger.insurance, Sats::new(50_000_000));
    assert_eq!((deploying.tokens(&keys.mint), deploying.tokens(&keys.lp_mint)), (150_000_000, 300_000_000));

    let before = deploying.sent(&deploying.seeder);
    assert!(deploying.plan().is_done());
    assert!(facts(&deploying.plan(), Step::Schema).contains("1 exchange of layout 1, 1 market of layout 1"));
    let (again, told) = deploying.apply(&Keys::new());
    again.unwrap(); // no key is needed where nothing is due
    assert!(told.iter().all(|applied| applied.landed.is_none()));
    assert_eq!(deploying.sent(&deploying.seeder), before);
    assert_eq!(deploying.tokens(&keys.mint), 150_000_000);
}

#[test]
fn what_was_broken_off_goes_on() {
    let deploying = Deploying::new();
    let authority_alone = Keys::new().with(Role::Authority, deploying.authority.insecure_clone());
    let (outcome, told) = deploying.apply(&authority_alone);
    let refusal = format!("{:#}", outcome.unwrap_err());
    assert!(refusal.contains("step 2, market") && refusal.contains("--keypair admin=FILE"), "{refusal}");
    assert_eq!(told.len(), 1);
    let plan = deploying.plan();
    assert_eq!(standings(&plan), ["done", "due", "due", "due", "done"]);
    assert_eq!(after(&plan, Step::Market), None);

    let wrong = deploying.keys().with(Role::Admin, deploying.seeder.insecure_clone());
    let refusal = format!("{:#}", deploying.apply(&wrong).0.unwrap_err());
    assert!(refusal.contains("the key given for admin is that of"), "{refusal}");

    deploying.apply(&deploying.keys()).0.unwrap();
    assert!(deploying.plan().is_done());
    assert_eq!(deploying.sent(&deploying.authority), 1);
}

#[test]
fn without_consent_nothing_is_sent() {
    let deploying = Deploying::new();
    let refuse = &mut |_: &migrations::Planned| anyhow::bail!("not today");
    let refusal = apply(&deploying.chain, &deploying.wanted, &deploying.keys(), refuse, &mut |_| Ok(())).unwrap_err();
    assert!(format!("{refusal:#}").contains("step 1, exchange: not today"), "{refusal:#}");
    assert_eq!(deploying.sent(&deploying.authority), 0);
}

#[test]
fn parameters_out_of_bounds_are_refused_by_the_bound_s_name_before_anything_is_sent() {
    let day = Seconds::new(86_400);
    let cases = [
        (Params { taker_fee: Bps::new(2), ..Params::standard() }, 259_200, "taker_fee must be 3 to 50 bps"),
        (Params { initial_margin: Bps::new(100), ..Params::standard() }, 259_200, "initial_margin 1.5 times that"),
        // A day to cool down and a day to leave do not fit into a day and a half.
        (
            Params { cool_down: day, withdrawal_window: day, ..Params::standard() },
            129_600,
            "both together at most the timelock",
        ),
    ];
    for (params, timelock, bound) in cases {
        let mut deploying = Deploying::new();
        deploying.wanted.market.args.params = params;
        deploying.wanted.exchange.timelock = Seconds::new(timelock);
        let plan = deploying.plan();
        assert!(why(&plan, Step::Market).contains(bound), "{}", why(&plan, Step::Market));
        assert!(why(&plan, Step::Pool).contains("step 2 comes before"), "{}", why(&plan, Step::Pool));
        let (outcome, _) = deploying.apply(&deploying.keys());
        let refusal = format!("{:#}", outcome.unwrap_err());
        assert!(refusal.contains("step 2, market") && refusal.contains(bound), "{refusal}");
        assert_eq!(deploying.sent(&deploying.admin), 0);
    }
}

#[test]
fn a_timelock_of_more_than_thirty_days_stops_at_the_first_step() {
    let mut deploying = Deploying::new();
    deploying.wanted.exchange.timelock = Seconds::new(30 * 86_400 + 1);
    assert!(why(&deploying.plan(), Step::Exchange).contains("30 days"), "{}", why(&deploying.plan(), Step::Exchange));
    assert_eq!(standings(&deploying.plan())[..2], ["blocked", "blocked"]);
}

#[test]
fn what_never_changes_must_agree_and_what_does_is_only_told() {
    let mut deploying = Deploying::new();
    deploying.apply(&deploying.keys()).0.unwrap();

    deploying.wanted.market.args.params = Params::standard();
    deploying.wanted.exchange.guardian = [9; 32].into();
    let plan = deploying.plan();
    assert!(plan.is_done());
    assert!(
        facts(&plan, Step::Market).contains("its taker_fee is 8 bps, not the 5 bps of the file"),
        "{}",
        facts(&plan, Step::Market)
    );
    assert!(facts(&plan, Step::Exchange).contains("its guardian is"), "{}", facts(&plan, Step::Exchange));

    deploying.wanted.exchange.timelock = Seconds::new(300_000);
    assert!(why(&deploying.plan(), Step::Exchange).contains("259200 s, not the 300000 s"));
    deploying.wanted.exchange.timelock = Seconds::new(259_200);
    deploying.wanted.exchange.fee_recipient = [6; 32].into();
    assert!(why(&deploying.plan(), Step::Exchange).contains("never changes"));
    deploying.wanted.exchange.fee_recipient = [5; 32].into();
    deploying.wanted.market.args.instant_fills = true;
    assert!(why(&deploying.plan(), Step::Market).contains("fills by orders alone"));
    deploying.wanted.market.args.instant_fills = false;
    deploying.wanted.market.args.oracle = inverse_perps::state::OracleSource::PythPull { feed_id: [8; 32] };
    assert!(why(&deploying.plan(), Step::Market).contains("take another index"));
}

#[test]
fn who_cannot_sign_is_told_before() {
    let mut deploying = Deploying::new();
    let stranger = Keypair::new_from_array([8; 32]);
    deploying.wanted.exchange.authority = stranger.pubkey();
    assert!(
        why(&deploying.plan(), Step::Exchange).contains("upgrade authority is"),
        "{}",
        why(&deploying.plan(), Step::Exchange)
    );

    deploying.wanted.exchange.authority = deploying.authority.pubkey();
    let authority_alone = Keys::new().with(Role::Authority, deploying.authority.insecure_clone());
    deploying.apply(&authority_alone).0.unwrap_err();
    let (admin, heir) = (deploying.admin.insecure_clone(), Keypair::new_from_array([7; 32]));
    {
        let mut local = deploying.chain.local();
        local.svm.airdrop(&heir.pubkey(), 1_000_000_000).unwrap();
        local.send(&[governance::nominate_admin(admin.pubkey(), heir.pubkey())], &admin).unwrap();
        local.send(&[governance::accept_admin(heir.pubkey())], &heir).unwrap();
    }
    assert!(
        why(&deploying.plan(), Step::Market).contains("the exchange's admin is"),
        "{}",
        why(&deploying.plan(), Step::Market)
    );
}

#[test]
fn a_seeder_without_the_money_is_told_how_much_is_missing() {
    let mut deploying = Deploying::new();
    deploying.wanted.pool = Some(Seed { seeder: deploying.seeder.pubkey(), amount: Sats::new(6 * BITCOIN) });
    assert!(why(&deploying.plan(), Step::Pool).contains("has 5 of 6 BTC"), "{}", why(&deploying.plan(), Step::Pool));
    deploying.wanted.pool = Some(Seed { seeder: deploying.admin.pubkey(), amount: Sats::new(BITCOIN) });
    assert!(why(&deploying.plan(), Step::Pool).contains("no associated token account"));
    // The least first deposit of the standard parameters is 0.01 BTC.
    deploying.wanted.pool = Some(Seed { seeder: deploying.seeder.pubkey(), amount: Sats::new(999_999) });
    assert!(why(&deploying.plan(), Step::Pool).contains("min_first_deposit"));
    deploying.wanted.pool = None;
    deploying.apply(&deploying.keys()).0.unwrap();
    assert_eq!(deploying.chain.market(&deploying.wanted.market.keys().market).unwrap().state.pool_shares, 0);
}

#[test]
fn insurance_is_filled_up_and_never_beyond() {
    let mut deploying = Deploying::new();
    deploying.apply(&deploying.keys()).0.unwrap();
    deploying.wanted.insurance = Some(Seed { seeder: deploying.seeder.pubkey(), amount: Sats::new(70_000_000) });
    deploying.apply(&deploying.keys()).0.unwrap();
    let market = deploying.chain.market(&deploying.wanted.market.keys().market).unwrap().state;
    assert_eq!(market.ledger.insurance, Sats::new(70_000_000));
    assert_eq!(deploying.tokens(&deploying.wanted.market.mint), 500_000_000 - 300_000_000 - 70_000_000);
    deploying.wanted.insurance = Some(Seed { seeder: deploying.seeder.pubkey(), amount: Sats::new(10) });
    assert!(deploying.plan().is_done());
}

#[test]
fn a_deposit_waits_for_a_price_that_the_program_takes() {
    let deploying = Deploying::new();
    deploying.chain.local().advance(30);
    let plan = deploying.plan();
    assert_eq!(standings(&plan)[2], "due");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Later than every step but the deposit, which a price 30 seconds old keeps waiting.
            let mut created = false;
            while !created {
                std::thread::sleep(std::time::Duration::from_millis(200));
                created = deploying.chain.market(&deploying.wanted.market.keys().market).is_ok();
            }
            std::thread::sleep(std::time::Duration::from_millis(700));
            assert_eq!(deploying.chain.market(&deploying.wanted.market.keys().market).unwrap().state.pool_shares, 0);
            let mut local = deploying.chain.local();
            local.advance(1);
            local.post(PRICE).unwrap();
        });
        deploying.apply(&deploying.keys()).0.unwrap();
    });
    assert!(deploying.plan().is_done());
}

#[test]
fn an_account_of_an_unknown_layout_is_never_passed_over() {
    let deploying = Deploying::new();
    deploying.apply(&deploying.keys()).0.unwrap();
    let market = deploying.wanted.market.keys().market;
    {
        let mut local = deploying.chain.local();
        let mut account = local.svm.get_account(&market).unwrap();
        assert_eq!(account.data[10], 1, "discriminator and index come before the version");
        account.data[10] = 2;
        local.svm.set_account(market, account).unwrap();
    }
    let plan = deploying.plan();
    assert!(why(&plan, Step::Schema).contains("1 of 1 market are not of layout 1"), "{}", why(&plan, Step::Schema));
    assert!(format!("{:#}", deploying.apply(&deploying.keys()).0.unwrap_err()).contains("step 5, schema"));
}
