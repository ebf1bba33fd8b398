// pg-boss: fetches 500 at a time by hand for the drain; for the pick-up its own worker, which polls.
import PgBoss from 'pg-boss'
import { URL, batchRate, drainRate, enqueueRate, pickTimes } from './_run.js'

const boss = new PgBoss({ connectionString: URL, max: 20, schedule: false })
boss.on('error', (error) => console.error(error))
await boss.start()
await boss.createQueue('bench')
const one = () => boss.send('bench', { n: 1 })
const many = (count) => boss.insert(Array.from({ length: count }, (_, n) => ({ name: 'bench', data: { n } })))

await enqueueRate(one)
await batchRate(many)
await boss.purgeQueue('bench')
await drainRate(many, async (count) => {
  for (let done = 0; done < count;) {
    const jobs = await boss.fetch('bench', { batchSize: 500 })
    if (jobs.length) await boss.complete('bench', jobs.map((job) => job.id))
    done += jobs.length
  }
})
await boss.purgeQueue('bench')
let heard = () => {}
await boss.work('bench', { pollingIntervalSeconds: 0.5 }, async () => heard(performance.now()))
await pickTimes(one, (done) => { heard = done }, 20)
await boss.stop({ graceful: false })
process.exit(0)
