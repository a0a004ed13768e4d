// node lease-holder.ts URL SUBJECT          "held" or "busy"; "lost CODE" when the lease is lost;
//                                           "ask" on stdin: "is held true|false"
// node lease-holder.ts URL SUBJECT leave    "held", then has nothing more to do and gives nothing back
import { acquireLease, openDatabase } from '#index.ts'

const [url = '', subject = '', action] = process.argv.slice(2)
const database = await openDatabase({ url })
const lease = await acquireLease(database, { subject, purpose: 'send' })
lease?.signal.addEventListener('abort', () => console.log(`lost ${lease.signal.reason.code}`))
console.log(lease ? 'held' : 'busy')
if (action !== 'leave') {
  for await (const _ of process.stdin) console.log(`is held ${lease?.isHeld()}`)
  await lease?.release()
  await database.close()
}
