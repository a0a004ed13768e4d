import type { Mutation } from '#torture/mutations/mutation.ts'

/** The protocol of packs done wrong, one rule at a time. */
export const PACK_MUTATIONS: readonly Mutation[] = [
  {
    name: 'answered before the chat has it',
    wrong: 'P7: an object is answered with 200 before its pack is sent',
    only: 'door',
    edits: [
      {
        file: 'vault/src/objects/fill/pack-writer.ts',
        find: '    for (const object of pack.objects) object.onIntended()\n',
        replace:
          '    for (const object of pack.objects) object.onIntended()\n    pack.end({ stored: { packId, sequence, at } })\n',
      },
    ],
  },
  {
    name: 'a deletion that no pack tells',
    wrong: 'D2: a deletion counts as told although the pack has no record of it',
    only: 'door',
    edits: [
      {
        file: 'vault/src/objects/fill/pack-writer.ts',
        find: '      builder.addRecord(record)\n      told.add(id)\n',
        replace: '      told.add(id)\n',
      },
    ],
  },
  {
    name: 'a checkpoint that says too much',
    wrong: 'C1: a checkpoint covers the numbers of packs under way, and nothing refuses to prove them later',
    only: 'door',
    edits: [
      // The list is what keeps them apart. The refusal is for numbers that are too old for the list, which no
      // round reaches: alone it is not missed.
      {
        file: 'database/src/objects/checkpoints/checkpoint-snapshot.ts',
        find: "where bucket_id = bucket.id and state = 'intended'\n",
        replace: "where bucket_id = bucket.id and state = 'intended' and false\n",
      },
      {
        file: 'database/src/objects/checkpoints/checkpoint-snapshot.ts',
        find: '              where not exists (select from control_plane.packs pack\n',
        replace: '              where false and not exists (select from control_plane.packs pack\n',
      },
      {
        file: 'database/src/objects/packs/pack-outcomes.ts',
        find: '  if (covering === undefined) return\n',
        replace: '  if (covering === undefined || covering.id !== undefined) return\n',
      },
    ],
  },
  {
    name: 'garbage before the checkpoint',
    wrong: 'G1: a pack is erased although nothing else tells what its records tell',
    only: 'door',
    edits: [
      {
        file: 'database/src/objects/packs/pack-queries.ts',
        find: '    or (pack.checkpoint_id is null and not pack.has_records)\n',
        replace: '    or pack.checkpoint_id is null\n',
      },
    ],
  },
  {
    name: 'the pack that is found last wins',
    wrong: 'R9: an adopted pack overwrites versions of packs with greater numbers',
    only: 'door',
    edits: [
      {
        file: 'database/src/objects/packs/records.ts',
        find: '(other.sequence, other.place) > (mine.sequence, mine.place)\n',
        replace: 'other.sequence < 0\n',
      },
    ],
  },
  {
    name: 'a pack of a chat that was taken over',
    wrong: 'P5: nobody looks whether the chat is still ours before the client is answered',
    only: 'door',
    edits: [
      {
        file: 'vault/src/objects/messages/pack-sender.ts',
        find: '            await chat.assertOwn() // P5\n',
        replace: '',
      },
    ],
  },
]
