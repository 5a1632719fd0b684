#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| storehook_fuzz_targets::address(bytes));
