// graphile-worker, without and with its local queue.
import pg from 'pg'
import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker'
import { URL, batchRate, drainRate, enqueueRate, pause, pickTimes } from './_run.js'


const logger = new Logger(() => (level, message) => { if (level === 'error') console.error(message) })
const pgPool = new pg.Pool({ connectionString: URL, max: 30 })
await runMigrations({ pgPool, logger })
const utils = await makeWorkerUtils({ pgPool, logger })
let ran = 0, wanted = Infinity, enough = () => {}, heard = () => {}
const taskList = {
  nothing: async () => {
    heard(performance.now())
    ran += 1
    if (ran >= wanted) enough()
  },
}
const one = () => utils.addJob('nothing', { n: 1 })
const many = (count) => utils.addJobs(Array.from({ length: count }, (_, n) => ({ identifier: 'nothing', payload: { n } })))
const clear = () => pgPool.query('truncate graphile_worker._private_jobs')
const begin = (more) => run({ pgPool, taskList, concurrency: 64, noHandleSignals: true, logger, ...more })

async function work(count, more) {
  ran = 0
  wanted = count
  const all = new Promise((done) => { enough = done })
  const runner = await begin(more)
  await all
  await runner.stop()
  wanted = Infinity
}

await enqueueRate(one)
await batchRate(many)
await clear()
await drainRate(many, (count) => work(count, {}))
await clear()
await drainRate(many, (count) => work(count, { preset: { worker: {
  concurrentJobs: 64, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0,
} } }), 'drain with a local queue')
await clear()
const runner = await begin({})
await pause(1000)
await pickTimes(one, (done) => { heard = done })
await runner.stop()
await utils.release()
process.exit(0)
