//! The ELF says whom to tell of a flaw in it.

use std::path::Path;

const BEGIN: &[u8] = b"=======BEGIN SECURITY.TXT V1=======\0";
const END: &[u8] = b"=======END SECURITY.TXT V1=======\0";

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[test]
fn the_elf_has_a_security_txt() {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/deploy");
    let folder = std::env::var_os("SBF_OUT_DIR").map_or(built, Into::into);
    let elf = std::fs::read(folder.join("inverse_perps.so")).expect("scripts/build-program has built it");
    let start = find(&elf, BEGIN).expect("the ELF has the marker of the beginning") + BEGIN.len();
    let length = find(&elf[start..], END).expect("the ELF has the marker of the end");
    let text = std::str::from_utf8(&elf[start..start + length]).expect("text");
    let words: Vec<&str> = text.split_terminator('\0').collect();
    let (names, values): (Vec<&str>, Vec<&str>) = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    assert_eq!(names, ["name", "project_url", "contacts", "policy", "preferred_languages"]);
    assert!(values[2].contains("private vulnerability reporting"), "as SECURITY.md says: {values:?}");
    assert!(values[3].contains("SECURITY.md"), "{values:?}");
    assert!(values.iter().all(|value| !value.is_empty()));
}
