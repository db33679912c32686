//! A private network for a check, where the system allows one: nothing else listens there, and a program that runs wild
//! reaches nobody.
//!
//! The checker enters a new user, network and mount namespace itself, while it has one thread only (unshare(2): with more
//! it gets EINVAL). The user is root there, over what belongs to the namespace and nothing else; so raw sockets work, too.
//! Who is root already stays who he is.

use std::fs;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, remove_capability_from_bounding_set,
    set_capabilities,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::name_server;

/// A name that has two addresses in a private network, both on loopback, in this order.
pub const TWO_ADDRESSES: (&str, [&str; 2]) = ("two-addresses.test", ["127.200.0.1", "127.200.0.2"]);

/// What `mount` is not told.
const NOTHING: Option<&str> = None;

static ENTERED: AtomicBool = AtomicBool::new(false);
static NAMED: AtomicBool = AtomicBool::new(false);

/// Moves this process to a network of its own. To be called before any thread is started.
///
/// # Errors
/// The system does not allow it, and this process may now be in a network in which nothing works: so it is to be tried by
/// another process first. The checks then run in the machine's own network, each at addresses of its own.
pub fn enter() -> io::Result<()> {
    let network = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    // An administrator needs no new user for it, and would lose the right to other users' files.
    match unshare(network) {
        Ok(()) => mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_SLAVE, NOTHING)?,
        Err(_) => enter_as_new_user(network)?,
    }
    bring_up_loopback()?;
    ENTERED.store(true, Ordering::Relaxed);
    match name_two_addresses() {
        Ok(()) => NAMED.store(true, Ordering::Relaxed),
        Err(error) => tracing::info!(%error, "no hosts file of its own"),
    }
    if let Err(error) = ask_our_name_server() {
        tracing::info!(%error, "no name server of its own");
    }
    Ok(())
}

fn enter_as_new_user(network: CloneFlags) -> io::Result<()> {
    let (user, group) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER | network)?;
    // Without this, an ordinary user may not write gid_map (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// Whether this process has a network of its own.
pub fn is_entered() -> bool {
    ENTERED.load(Ordering::Relaxed)
}

/// Whether [`TWO_ADDRESSES`] can be resolved.
pub fn has_two_addresses() -> bool {
    NAMED.load(Ordering::Relaxed)
}

/// Does `work` on a thread that may not open raw sockets, nor may the programs that it starts.
///
/// # Errors
/// The system does not let the right be given up: only who is root over a network of its own has it to give.
pub fn without_raw_sockets<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    // Capabilities are each thread's own, and a program has those of the thread that started it.
    let alone = || {
        let (none, sets) = (CapabilitySet::empty(), capabilities(None)?);
        set_capabilities(None, CapabilitySets { inheritable: none, ..sets })?;
        remove_capability_from_bounding_set(CapabilitySet::NET_RAW)?;
        Ok(work())
    };
    thread::scope(|scope| {
        let done = thread::Builder::new().spawn_scoped(scope, alone)?.join();
        done.unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// The only interface of a new network is down at first (rtnetlink(7): RTM_NEWLINK with IFF_UP).
fn bring_up_loopback() -> io::Result<()> {
    const LOOPBACK: i32 = 1;
    let up = libc::IFF_UP.cast_unsigned();
    let parts: [&[u8]; 9] = [
        // struct nlmsghdr
        &32_u32.to_ne_bytes(),
        &libc::RTM_NEWLINK.to_ne_bytes(),
        &u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK).unwrap_or(0).to_ne_bytes(),
        &1_u32.to_ne_bytes(),
        &0_u32.to_ne_bytes(),
        // struct ifinfomsg: family and type left open, which interface, which flags, which of them change
        &[0; 4],
        &LOOPBACK.to_ne_bytes(),
        &up.to_ne_bytes(),
        &up.to_ne_bytes(),
    ];
    let protocol = Some(Protocol::from(libc::NETLINK_ROUTE));
    let socket = Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW, protocol)?;
    socket.send(&parts.concat())?;
    let mut answer = [0; 64];
    let count = io::Read::read(&mut &socket, &mut answer)?;
    // struct nlmsgerr: 0, or an errno with a minus
    let errno = answer.get(16..20).filter(|_| count >= 20).and_then(|bytes| bytes.try_into().ok());
    match errno.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(errno) => Err(io::Error::from_raw_os_error(-errno)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Gives the two addresses their name.
fn name_two_addresses() -> io::Result<()> {
    let (name, addresses) = TWO_ADDRESSES;
    let lines = addresses.map(|address| format!("\n{address} {name}\n")).concat();
    put_over("/etc/hosts", &[fs::read("/etc/hosts")?, lines.into_bytes()].concat())
}

/// Has the network's own name server asked, where the system's cannot be reached.
fn ask_our_name_server() -> io::Result<()> {
    let address = name_server::start()?;
    put_over("/etc/resolv.conf", format!("nameserver {address}\n").as_bytes())
}

/// Puts another file over the system's, for this process and those that it starts.
fn put_over(path: &str, contents: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new()?;
    // As the system's own: whoever asks for a name reads it.
    file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    file.write_all(contents)?;
    // The file goes; what is mounted stays.
    mount(Some(file.path()), path, NOTHING, MsFlags::MS_BIND, NOTHING).map_err(io::Error::from)
}
