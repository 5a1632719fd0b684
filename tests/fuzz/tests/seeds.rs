//! Each target with its seeds, and with thousands of mutated ones, the same each time.

use std::{collections::BTreeSet, fs, io, path::Path};

use fastrand::Rng;
use storehook_fuzz_targets::{TARGETS, Target};

/// The longest input, in bytes.
const LONGEST: usize = 16 * 1024;

/// What often breaks a parser.
const TOKENS: [&[u8]; 36] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"0.1e-400",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\0",
    b"\r\n",
    b"]]>",
    b"<!--",
    b"&#0;",
    b"&",
    b"=",
    b"%00",
    b"%2e%2e/",
    b"@",
    b"#",
    b"[::ffff:127.0.0.1]",
    b"0x7f.1",
    b"9999-12-31T23:59:60Z",
    b"Sun, 06 Nov 9999 08:49:37 GMT",
    "\u{202e}".as_bytes(),
];

fn seeds(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<BTreeSet<_>>>()?;
    paths.iter().map(fs::read).collect()
}

/// A random range of so many bytes.
fn range(random: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let begin = random.usize(0..=length);
    begin..random.usize(begin..=length.min(begin + 64))
}

fn mutate(random: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = random.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..random.usize(1..8) {
        let place = range(random, input.len());
        match random.u8(0..7) {
            0 => input[place].iter_mut().for_each(|byte| *byte = random.u8(..)),
            1 => drop(input.drain(place)),
            2 => input.truncate(place.start),
            3 => {
                let copy = input[place.clone()].to_vec();
                let copies = copy.repeat(random.usize(1..40));
                input.splice(place.start..place.start, copies);
            }
            4 => {
                let other = random.choice(seeds).cloned().unwrap_or_default();
                let part = range(random, other.len());
                input.splice(place, other[part].iter().copied());
            }
            5 => {
                let token = TOKENS[random.usize(0..TOKENS.len())];
                let tokens = token.repeat(if random.u8(0..20) == 0 { 1_000 } else { 1 });
                input.splice(place, tokens);
            }
            _ => {
                if let Some(byte) = input.get_mut(place.start) {
                    *byte ^= 1 << random.u8(0..8);
                }
            }
        }
    }
    input.truncate(LONGEST);
    input
}

/// Gives each target its seeds and so many mutated ones. The targets work side by side.
fn check(mutated: usize) -> io::Result<()> {
    std::thread::scope(|scope| {
        let checks = (0..)
            .zip(TARGETS)
            .map(|(number, (name, target))| scope.spawn(move || check_target(number, name, target, mutated)));
        let checks: Vec<_> = checks.collect();
        checks.into_iter().try_for_each(|check| match check.join() {
            Ok(checked) => checked,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

fn check_target(number: u64, name: &str, target: Target, mutated: usize) -> io::Result<()> {
    let seeds = seeds(name)?;
    assert!(!seeds.is_empty(), "{name} has seeds");
    seeds.iter().for_each(|seed| target(seed));
    let mut random = Rng::with_seed(number);
    for input in 0..mutated {
        let bytes = mutate(&mut random, &seeds);
        let result = std::panic::catch_unwind(|| target(&bytes));
        assert!(result.is_ok(), "{name}, input {input}: {:?}", String::from_utf8_lossy(&bytes));
    }
    Ok(())
}

#[test]
fn no_seed_and_no_mutated_seed_breaks_a_promise() -> io::Result<()> {
    check(10_000)
}

#[test]
#[ignore = "takes ten seconds for each target: cargo test -p storehook-fuzz-targets -- --ignored"]
fn no_200_000_mutated_seeds_break_a_promise() -> io::Result<()> {
    check(200_000)
}
