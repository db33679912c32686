//! What a user meets at the command line: a sentence and an exit status for whatever goes wrong, an end in order when
//! asked to end, no escape codes in a pipe, no password anywhere.

#![cfg(unix)]

mod clients;
mod exercises;
mod lookup;
mod output;
mod servers;
#[path = "../support/mod.rs"]
mod support;
mod usage;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use clap::CommandFactory;
use nix::sys::signal::Signal;
use serde_json::json;
use socklab::cli::Cli;
use socklab::narrate::event::{Event, Kind};
#[cfg(target_os = "linux")]
use support::hosts::Hosts;
use support::program::{Finished, Program, plain, socklab};
use support::raw::{Client, refusing_port};
use support::server::{Server, ended_well, port_in};

/// Runs socklab to its end, with nothing typed.
fn run(args: &[&str]) -> Finished {
    Program::start(args).finish()
}

/// It failed with this exit status, and said why in words that hold all of `words`; nobody panicked.
fn fails_with(finished: &Finished, code: i32, words: &[&str]) {
    let errors = &finished.errors;
    assert_eq!(finished.code, code, "{errors}");
    for word in words {
        assert!(errors.contains(word), "{word:?} is missing in: {errors}");
    }
    assert!(!errors.contains("panicked"), "{errors}");
}
