//! Sixty, thirty and ten parts of CPU time. split SECONDS PROCESSES EXIT, as split.c; further processes are itself again.

use std::hint::black_box;
use std::process::{exit, id, Command};

#[inline(never)]
fn spin_sixty(seconds: f64) -> u64 {
    let mut x = 6;
    let end = cpu_seconds() + seconds;
    while cpu_seconds() < end {
        for i in 0..20_000 {
            x = black_box(x * 31 % 1_000_003 + i);
        }
    }
    x
}

#[inline(never)]
fn spin_thirty(seconds: f64) -> u64 {
    let mut x = 3;
    let end = cpu_seconds() + seconds;
    while cpu_seconds() < end {
        for i in 0..20_000 {
            x = black_box(x * 31 % 1_000_003 + i);
        }
    }
    x
}

#[inline(never)]
fn spin_ten(seconds: f64) -> u64 {
    let mut x = 1;
    let end = cpu_seconds() + seconds;
    while cpu_seconds() < end {
        for i in 0..20_000 {
            x = black_box(x * 31 % 1_000_003 + i);
        }
    }
    x
}

/// Of the CPU: on a busy machine it takes longer, and there is as much to see. Read by the clock of C, for a crate
/// without dependencies.
fn cpu_seconds() -> f64 {
    extern "C" {
        fn clock() -> i64;
    }
    // POSIX counts it in millionths.
    unsafe { clock() as f64 / 1e6 }
}

#[inline(never)]
fn work(seconds: f64) {
    let mut seed = u64::from(id());
    let mut parts = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        0.004 + ((seed >> 33) % 1000) as f64 * 1e-6
    };
    while cpu_seconds() < seconds {
        black_box(spin_sixty(6.0 * parts()) + spin_thirty(3.0 * parts()) + spin_ten(parts()));
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let processes: u32 = words[2].parse().unwrap();
    let mut children: Vec<_> = (1..processes)
        .map(|_| Command::new(&words[0]).args([&words[1], "1", "0"]).spawn().unwrap())
        .collect();
    println!("ready");
    work(words[1].parse().unwrap());
    for child in &mut children {
        child.wait().unwrap();
    }
    let code: i32 = words[3].parse().unwrap();
    if code < 0 {
        let pid = id().to_string();
        Command::new("kill").args([&code.to_string(), &pid]).status().unwrap();
    }
    exit(code);
}
