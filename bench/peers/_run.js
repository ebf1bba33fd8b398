// What each peer is asked; the same order and sizes as _run.py.
const CALLERS = 64, BATCH = 500
const SECONDS = Number(process.env.BENCH_SECONDS ?? 4)
export const DRAIN = Number(process.env.BENCH_DRAIN ?? 10000)
export const PICKS = Number(process.env.BENCH_PICKS ?? 200)
export const URL = process.argv[2]
export const say = (name, value, unit) => console.log(JSON.stringify({ name, value, unit }))
export const pause = (ms) => new Promise((done) => setTimeout(done, ms))
const now = () => performance.now()

export async function enqueueRate(one) {
  const began = now(), until = began + 1000 * SECONDS
  let count = 0
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (now() < until) { await one(); count += 1 }
  }))
  say('enqueue', 1000 * count / (now() - began), '/s')
}

export async function batchRate(many) {
  const began = now(), until = began + 500 * SECONDS
  let count = 0
  while (now() < until) { await many(BATCH); count += BATCH }
  say('batch of 500', 1000 * count / (now() - began), 'jobs/s')
}

export async function drainRate(many, work, name = 'drain') {
  for (let n = 0; n < DRAIN; n += BATCH) await many(BATCH)
  const began = now()
  await work(DRAIN)
  say(name, 1000 * DRAIN / (now() - began), 'jobs/s')
}

export async function pickTimes(one, heard, picks = PICKS) {
  const took = []
  for (let n = 0; n < picks; n += 1) {
    const start = new Promise((done) => heard(done))
    await one()
    const answered = now()
    took.push(Math.max(0, await start - answered))
    await pause(5)
  }
  took.sort((a, b) => a - b)
  say('pick-up p50', took[took.length >> 1], 'ms')
  say('pick-up p99', took[Math.min(took.length - 1, Math.floor(took.length * 0.99))], 'ms')
}
