//! In which order the checks run: each after those that it builds on, otherwise several at a time.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::Plan;
use super::bench::Bench;
use super::exercises::{Check, Exercise};
use super::verdict::{Checked, Overall, Report, Result, Stop, Verdict, Words};
use crate::stage;

/// The shape of a report.
const SCHEMA: &str = "socklab/check/1";

/// Runs the checks of `exercise`, and tells `done` of each, in causal order, as soon as it and those before it have ended.
pub fn run(
    exercise: &'static Exercise,
    plan: &Plan,
    stop: &stage::Stop,
    done: &(dyn Fn(&Result) + Sync),
) -> Report {
    let wanted = wanted(exercise, plan.only.as_deref());
    let telling = Mutex::new(Telling {
        order: wanted.iter().map(|check| check.id).collect(),
        early: HashMap::new(),
        done,
    });
    let mut ended: HashMap<&'static str, Ended> = HashMap::new();
    while ended.len() < wanted.len() {
        let waiting = wanted.iter().filter(|check| !ended.contains_key(check.id));
        let ready: Vec<&Check> =
            waiting.copied().filter(|check| is_ready(check, &wanted, &ended)).collect();
        let results = together(&ready, |check| {
            let ended = one(check, exercise, plan, stop, &ended);
            telling.lock().unwrap_or_else(PoisonError::into_inner).of(&ended.result);
            ended
        });
        ended.extend(results.into_iter().map(|ended| (ended.result.id, ended)));
    }
    let mut all: Vec<Ended> = wanted.iter().filter_map(|check| ended.remove(check.id)).collect();
    let trouble = all.iter_mut().find_map(|ended| ended.trouble.take());
    report(exercise, plan, all.into_iter().map(|ended| ended.result).collect(), trouble)
}

/// Tells of results in the order of the checks; those that come early wait.
struct Telling<'a> {
    order: VecDeque<&'static str>,
    early: HashMap<&'static str, Result>,
    done: &'a (dyn Fn(&Result) + Sync),
}

impl Telling<'_> {
    fn of(&mut self, result: &Result) {
        self.early.insert(result.id, result.clone());
        while let Some(next) = self.order.front().and_then(|id| self.early.remove(id)) {
            self.order.pop_front();
            (self.done)(&next);
        }
    }
}

/// A check's end.
struct Ended {
    result: Result,
    trouble: Option<Trouble>,
}

/// Why a check could not be run, if that is no property of the machine.
struct Trouble {
    what: String,
    no_command: bool,
}

/// The checks to run: all, or one with those that it builds on.
fn wanted(exercise: &'static Exercise, only: Option<&str>) -> Vec<&'static Check> {
    let mut wanted: Vec<&Check> =
        exercise.checks.iter().filter(|check| only.is_none_or(|only| check.id == only)).collect();
    let mut next = 0;
    while let Some(check) = wanted.get(next).copied() {
        let needed = exercise.checks.iter().filter(|other| check.needs.contains(&other.id));
        wanted.extend(
            needed
                .filter(|other| !wanted.iter().any(|known| known.id == other.id))
                .collect::<Vec<_>>(),
        );
        next += 1;
    }
    wanted.sort_by_key(|check| exercise.checks.iter().position(|other| other.id == check.id));
    wanted
}

fn is_ready(check: &Check, wanted: &[&Check], ended: &HashMap<&'static str, Ended>) -> bool {
    let alone_left = wanted.iter().all(|other| other.alone || ended.contains_key(other.id));
    let first_alone = wanted.iter().find(|other| other.alone && !ended.contains_key(other.id));
    let turn = !check.alone || alone_left && first_alone.is_some_and(|first| first.id == check.id);
    turn && check.needs.iter().all(|id| ended.contains_key(id))
}

/// Runs `work` on all of them, a few at a time: they mostly wait, but programs under test should not starve each other.
fn together(
    checks: &[&'static Check],
    work: impl Fn(&'static Check) -> Ended + Sync,
) -> Vec<Ended> {
    let workers = thread::available_parallelism().map_or(4, usize::from).clamp(4, 8);
    let (next, ended) = (Mutex::new(checks.iter()), Mutex::new(Vec::new()));
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next().copied();
    let work_on = || {
        while let Some(check) = take() {
            let one = work(check);
            ended.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers.min(checks.len()) {
            // Where there can be no more threads, there are fewer at a time.
            let _ = thread::Builder::new().spawn_scoped(scope, work_on);
        }
        work_on();
    });
    ended.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs one check, unless what it builds on did not pass.
fn one(
    check: &'static Check,
    exercise: &Exercise,
    plan: &Plan,
    stop: &stage::Stop,
    ended: &HashMap<&'static str, Ended>,
) -> Ended {
    let begin = Instant::now();
    let bench = Bench::new(plan, stop);
    let failed = check
        .needs
        .iter()
        .find(|id| ended.get(*id).is_none_or(|it| it.result.verdict != Verdict::Pass));
    let outcome = match failed {
        Some(id) => Err(Stop::Skipped(Words::new("check.builds-on", &[("check", id)]))),
        // A bug in here is no fault of the learner's.
        None => catch_unwind(AssertUnwindSafe(|| (check.run)(&bench)))
            .unwrap_or_else(|_| Err(panicked(check))),
    };
    let outcome = outcome.map_err(|stop| match stop {
        Stop::Failed(finding) => bench.fate.correct(*finding).into(),
        other => other,
    });
    let mut result = Result {
        id: check.id,
        title: Words::new(&format!("{}.{}.title", exercise.name, check.id), &[]).to_string(),
        verdict: Verdict::Pass,
        score: check.points,
        max_score: check.points,
        mistake: None,
        or_else: Vec::new(),
        expected: String::new(),
        actual: String::new(),
        cause: String::new(),
        story: bench.story.lines(),
        duration_ms: u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let trouble = enter(&mut result, outcome);
    Ended { result, trouble }
}

fn panicked(check: &Check) -> Stop {
    Stop::Trouble(format!("the check {} has a bug: it panicked", check.id))
}

/// Writes an outcome into the result; the checker's trouble, if there was any.
fn enter(result: &mut Result, outcome: Checked) -> Option<Trouble> {
    let Err(stop) = outcome else { return None };
    result.score = 0;
    let mut skip = |why: Words| {
        result.verdict = Verdict::Skip;
        result.cause = why.to_string();
    };
    match stop {
        Stop::Failed(finding) => {
            result.verdict = Verdict::Fail;
            result.cause = finding.cause.to_string();
            let mut mistakes = finding.mistakes.into_iter();
            result.mistake = mistakes.next();
            result.or_else = mistakes.collect();
            (result.expected, result.actual) = (finding.expected, finding.actual);
            None
        }
        Stop::Skipped(why) => {
            skip(why);
            None
        }
        Stop::Trouble(what) => {
            skip(Words::new("check.trouble", &[("what", &what)]));
            Some(Trouble { what, no_command: false })
        }
        Stop::NoCommand(what) => {
            skip(Words::new("check.no-command", &[("what", &what)]));
            Some(Trouble { what, no_command: true })
        }
    }
}

fn report(
    exercise: &Exercise,
    plan: &Plan,
    checks: Vec<Result>,
    trouble: Option<Trouble>,
) -> Report {
    let sum = |points: fn(&Result) -> u32| checks.iter().map(points).sum();
    let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
    let verdict = match &trouble {
        Some(_) => Overall::Error,
        None if any(Verdict::Fail) => Overall::Fail,
        None if any(Verdict::Pass) => Overall::Pass,
        None => Overall::Error,
    };
    // What could not be looked at at all has not passed.
    let skipped = checks.first().filter(|_| verdict == Overall::Error);
    Report {
        schema: SCHEMA,
        exercise: exercise.name,
        command: plan.command.clone(),
        verdict,
        score: sum(|check| check.score),
        max_score: sum(|check| check.max_score),
        no_command: trouble.as_ref().is_some_and(|trouble| trouble.no_command),
        trouble: trouble.map(|it| it.what).or_else(|| skipped.map(|check| check.cause.clone())),
        checks,
    }
}
