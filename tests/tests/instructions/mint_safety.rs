//! Which mints `create_market` takes as collateral: case 41.

use crate::accounts::with_account;
use inverse_perps::state::OracleSource;
use inverse_perps_tests::harness::prelude::*;
use perps::client::pyth::RECEIVER;

// As Token-2022 documents its extensions.
const TRANSFER_FEE_CONFIG: u16 = 1;
const MINT_CLOSE_AUTHORITY: u16 = 3;
const DEFAULT_ACCOUNT_STATE: u16 = 6;
const INTEREST_BEARING: u16 = 10;
const PERMANENT_DELEGATE: u16 = 12;
const TRANSFER_HOOK: u16 = 14;
const METADATA_POINTER: u16 = 18;

const TYPE: usize = 165;
const MINT: u8 = 1;
const ACCOUNT: u8 = 2;

/// A mint of 8 decimals as Token-2022 stores it: padded, typed, then an extension after the other.
fn with_extensions(authority: &Address, extensions: &[(u16, Vec<u8>)]) -> Account {
    let mut account = mint_account(TOKEN_2022_PROGRAM, authority, 8);
    account.data.resize(TYPE, 0);
    account.data.push(MINT);
    for (extension, value) in extensions {
        account.data.extend(extension.to_le_bytes());
        account.data.extend(u16::try_from(value.len()).expect("short").to_le_bytes());
        account.data.extend(value);
    }
    account
}

#[tokio::test(flavor = "multi_thread")]
async fn case_41_a_token_2022_mint_is_refused_for_its_reason() {
    use PerpError::*;
    let mut chain = Chain::bare().await;
    chain.initialize().await;
    let admin = chain.admin.insecure_clone();
    let price = Address::new_unique();
    let update = chain.update(Tick::at(50_000));
    chain.post_account(&price, update, RECEIVER);

    let harmless = (METADATA_POINTER, vec![7; 64]);
    let fee = (TRANSFER_FEE_CONFIG, vec![0; 108]);
    let hook = (TRANSFER_HOOK, vec![0; 64]);
    let delegate = (PERMANENT_DELEGATE, vec![0; 32]);
    let (frozen, thawed) = ((DEFAULT_ACCOUNT_STATE, vec![2]), (DEFAULT_ACCOUNT_STATE, vec![1]));
    let of = |extensions: &[(u16, Vec<u8>)]| with_extensions(&admin.pubkey(), extensions);
    let cut = |account: Account, bytes: usize| {
        let data = account.data[..account.data.len() - bytes].to_vec();
        Account { data, ..account }
    };
    let mut of_account_type = of(from_ref(&hook));
    of_account_type.data[TYPE] = ACCOUNT;
    let mut padded = of(from_ref(&harmless));
    padded.data.extend([0; 40]);
    let endless = {
        let mut account = of(&[]);
        account.data.extend([TRANSFER_HOOK.to_le_bytes(), [0xff; 2]].concat());
        account
    };
    let mut hidden_behind_padding = of(&[]);
    hidden_behind_padding.data.extend([[0; 4].to_vec(), TRANSFER_HOOK.to_le_bytes().to_vec(), vec![0, 0]].concat());
    let cases = [
        ("transfer fee", of(from_ref(&fee)), MintHasTransferFee),
        ("transfer hook", of(from_ref(&hook)), MintHasTransferHook),
        ("permanent delegate", of(from_ref(&delegate)), MintHasPermanentDelegate),
        ("frozen accounts", of(from_ref(&frozen)), MintFreezesAccounts),
        ("behind others", of(&[harmless.clone(), thawed.clone(), hook.clone()]), MintHasTransferHook),
        ("the first of two", of(&[delegate.clone(), fee.clone()]), MintHasPermanentDelegate),
        ("thawed accounts", of(from_ref(&thawed)), Token2022NotSupported),
        ("an odd account state", of(&[(DEFAULT_ACCOUNT_STATE, vec![2, 2])]), Token2022NotSupported),
        ("interest", of(&[(INTEREST_BEARING, vec![0; 52])]), Token2022NotSupported),
        ("a close authority", of(&[(MINT_CLOSE_AUTHORITY, vec![0; 32])]), Token2022NotSupported),
        ("an unknown one", of(&[(60_000, vec![1, 2, 3])]), Token2022NotSupported),
        ("none", of(&[]), Token2022NotSupported),
        ("no extensions", mint_account(TOKEN_2022_PROGRAM, &admin.pubkey(), 8), Token2022NotSupported),
        ("the type of an account", of_account_type, Token2022NotSupported),
        ("padding at the end", padded, Token2022NotSupported),
        ("padding before the last", hidden_behind_padding, Token2022NotSupported),
        ("a length beyond the end", endless, Token2022NotSupported),
        ("a value cut off", cut(of(from_ref(&hook)), 1), Token2022NotSupported),
        ("a head cut off", cut(of(&[(TRANSFER_HOOK, vec![])]), 1), Token2022NotSupported),
        ("an extension cut off", cut(of(&[fee, hook]), 40), MintHasTransferFee),
        ("nothing", Account { data: Vec::new(), ..of(&[]) }, Token2022NotSupported),
    ];
    let args = CreateMarketArgs {
        index: 0,
        oracle: OracleSource::PythPull { feed_id: FEED },
        params: Params::standard(),
        instant_fills: true,
    };
    for (what, account, error) in cases {
        let mint = Address::new_unique();
        chain.set_account(&mint, account);
        let create = instructions::create_market(admin.pubkey(), mint, price, args);
        chain.refuse(what, from_ref(&create), &[&admin], error).await;
        let with_its_program = with_account(&create, 8, TOKEN_2022_PROGRAM);
        chain.refuse(what, &[with_its_program], &[&admin], error).await;
    }

    // A mint of any other program, even with a classic mint's bytes.
    let mint = Address::new_unique();
    chain.set_account(&mint, mint_account(Address::new_unique(), &admin.pubkey(), 8));
    let create = instructions::create_market(admin.pubkey(), mint, price, args);
    chain.refuse("another program's", &[create], &[&admin], Token2022NotSupported).await;
    // And a classic one with anything behind its 82 bytes is none.
    let mut longer = mint_account(TOKEN_PROGRAM, &admin.pubkey(), 8);
    longer.data.resize(TYPE + 1, 0);
    chain.set_account(&mint, longer);
    let create = instructions::create_market(admin.pubkey(), mint, price, args);
    chain.refuse("a longer one", &[create], &[&admin], Refusal::NOT_SUCH_AN_ACCOUNT).await;
    let mint = chain.new_mint(8);
    let create = instructions::create_market(admin.pubkey(), mint, price, args);
    chain.succeed("classic, 8 decimals", &[create], &[&admin]).await;
}
