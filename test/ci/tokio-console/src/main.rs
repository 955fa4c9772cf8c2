//! Tasks whose busy, idle and scheduled time is known, and one of each kind that the lints of tokio-console name.
//! Ends by itself after about four seconds; with `stay` as its argument it runs until it is ended.
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::Builder;
use tokio::time::sleep;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Busy by the wall clock: known whatever else the machine does.
fn spin(time: Duration) -> Duration {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
    began.elapsed()
}

/// What the program itself measured, for the check to compare with: a line a figure.
fn tell(task: &str, state: &str, time: Duration) {
    println!("{task} {state} {:.3}", time.as_secs_f64() * 1000.0);
}

/// Ten times 40 ms of work and 160 ms of sleep: 400 ms busy, 1600 ms idle.
async fn spinner() {
    let (mut busy, mut idle) = (ms(0), ms(0));
    for _ in 0..10 {
        busy += spin(ms(40));
        let began = Instant::now();
        sleep(ms(160)).await;
        idle += began.elapsed();
    }
    tell("spinner", "busy", busy);
    tell("spinner", "idle", idle);
}

/// 2000 ms idle, hardly busy.
async fn sleeper() {
    let began = Instant::now();
    for _ in 0..20 {
        sleep(ms(100)).await;
    }
    tell("sleeper", "idle", began.elapsed());
}

/// Wakes itself in every poll, 300 times.
async fn self_waker() {
    let mut left = 300;
    poll_fn(move |cx| {
        spin(ms(1));
        left -= 1;
        if left == 0 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Says that it will be woken, and keeps no waker.
async fn lost_waker() {
    poll_fn(|_| Poll::<()>::Pending).await
}

/// One poll of 1800 ms.
async fn never_yields() {
    tell("never-yields", "busy", spin(ms(1800)));
}

/// Holds its bytes across an await, so that they are part of the future.
async fn large<const BYTES: usize>() {
    let bytes = [1u8; BYTES];
    sleep(ms(50)).await;
    std::hint::black_box(&bytes);
}

/// Holds the lock for 200 ms at a time, ten times.
async fn lock_holder(lock: Arc<Mutex<()>>) {
    for _ in 0..5 {
        let guard = lock.lock().await;
        sleep(ms(200)).await;
        drop(guard);
        sleep(ms(5)).await;
    }
}

async fn permit_waiter(permits: Arc<Semaphore>) {
    let permit = permits.acquire().await;
    sleep(ms(300)).await;
    drop(permit);
}

/// Works for 20 ms whenever it is told to, 20 times; how long it had waited for its turn is in `asked`.
async fn queued(name: &'static str, bell: Arc<Notify>, asked: Arc<std::sync::Mutex<Instant>>) {
    let (mut busy, mut scheduled) = (ms(0), ms(0));
    for _ in 0..20 {
        bell.notified().await;
        scheduled += asked.lock().unwrap().elapsed();
        busy += spin(ms(20));
    }
    tell(name, "busy", busy);
    tell(name, "scheduled", scheduled);
}

/// Two tasks on one thread, woken at the same moment: the second waits in the queue for as long as the first works.
fn queue() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let asked = Arc::new(std::sync::Mutex::new(Instant::now()));
        let bells = ["queued-first", "queued-second"].map(|name| {
            let bell = Arc::new(Notify::new());
            Builder::new().name(name).spawn(queued(name, bell.clone(), asked.clone())).unwrap();
            bell
        });
        sleep(ms(10)).await;
        for _ in 0..20 {
            *asked.lock().unwrap() = Instant::now();
            for bell in &bells {
                bell.notify_one();
            }
            sleep(ms(70)).await;
        }
    });
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() {
    console_subscriber::init();
    let stays = std::env::args().nth(1).as_deref() == Some("stay");
    let spawn = Builder::new;
    spawn().name("spinner").spawn(spinner()).unwrap();
    spawn().name("sleeper").spawn(sleeper()).unwrap();
    spawn().name("self-waker").spawn(self_waker()).unwrap();
    let lost = spawn().name("lost-waker").spawn(lost_waker()).unwrap();
    spawn().name("never-yields").spawn(never_yields()).unwrap();
    spawn().name("large-future").spawn(large::<1500>()).unwrap();
    spawn().name("boxed-future").spawn(large::<40_000>()).unwrap();
    let lock = Arc::new(Mutex::new(()));
    for name in ["lock-a", "lock-b"] {
        spawn().name(name).spawn(lock_holder(lock.clone())).unwrap();
    }
    let permits = Arc::new(Semaphore::new(1));
    for _ in 0..3 {
        tokio::spawn(permit_waiter(permits.clone()));
    }
    spawn().name("digest").spawn_blocking(|| tell("digest", "busy", spin(ms(250)))).unwrap();
    std::thread::spawn(queue);
    sleep(ms(3500)).await;
    while stays {
        sleep(ms(1000)).await;
    }
    // A last word of the subscriber, which speaks once a second.
    lost.abort();
    sleep(ms(1200)).await;
}
