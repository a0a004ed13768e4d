import type { Connector } from '#connector.ts'
import { chooseDirectory, type DirectoryChoice, type DirectorySettings } from '#directory/settings.ts'
import type { DirectoryTarget } from '#directory/unpack/target-folder.ts'
import { inWords, recordedCount, recordedName } from '#source-words.ts'

/** A directory: packed by GNU tar, unpacked into a staging folder that is swapped in. */
export const DIRECTORY: Connector<DirectoryChoice, DirectoryTarget, DirectorySettings> = {
  kind: 'directory',
  place: 'directory',
  settings: ['exclude', 'include', 'since', 'one_file_system', 'allow', 'proof'],
  choose: chooseDirectory,

  open: async ({ path, options }, { signal }) => {
    const { openDirectorySource } = await import('#directory/pack/tar-source.ts')
    return await openDirectorySource(path, { ...options, signal })
  },
  check: async (choice, of) => {
    const { checkDirectory } = await import('#directory/pack/directory-checks.ts')
    return await checkDirectory(choice, of)
  },
  preview: async (choice, of) => {
    const { previewDirectory } = await import('#directory/pack/preview-directory.ts')
    return await previewDirectory(choice, of)
  },
  setup: {
    type: 'storage',
    find: async () => (await import('#directory/find-directories.ts')).findDirectories(),
    read: async typed => (await import('#directory/find-directories.ts')).readTypedPath(typed),
  },
  programs: [
    {
      name: 'tar',
      look: async signal => (await import('#directory/pack/directory-checks.ts')).checkTar(signal),
    },
  ],
  holdsFile: async (choice, path) => {
    const { holdsFile } = await import('#directory/pack/directory-checks.ts')
    return await holdsFile(choice.path, path)
  },
  describe: facts => ({
    place: recordedName(facts, 'path'),
    holds: inWords([recordedCount(facts, 'files', 'file'), recordedCount(facts, 'directories', 'directory')]),
  }),

  members: {
    list: async function* (bytes) {
      const { membersOfTar } = await import('#directory/members-of-tar.ts')
      yield* membersOfTar(bytes)
    },
    find: async (members, path, of) => {
      const { findMember } = await import('#directory/find-member.ts')
      return await findMember(members, path, of)
    },
    pattern: async (text, of) => {
      const { patternOf } = await import('#directory/select-members.ts')
      return patternOf(text, of)
    },
    choose: async (members, of) => {
      const { chooseMembers } = await import('#directory/select-members.ts')
      return await chooseMembers(members, of)
    },
    select: async (list, of) => {
      const { selectMembers } = await import('#directory/select-members.ts')
      return await selectMembers(list, of)
    },
    linkTarget: async bytes => {
      const { readLinkTarget } = await import('#directory/unpack/extract-member.ts')
      return await readLinkTarget(bytes)
    },
    extract: async function* (bytes, of) {
      const { extractMember } = await import('#directory/unpack/extract-member.ts')
      yield* extractMember(bytes, of)
    },
  },

  restore: {
    makes: 'directory',
    shown: 'DIRECTORY',
    form: 'path',
    wishes: ['allow'],
    claims: /\.tar$/,
    takesOthers: false,
    readTarget: async path => ({ kind: 'directory', path }),
    hideTarget: async ({ path }, name) => {
      const { namingFolder } = await import('#directory/unpack/naming-folder.ts')
      return await namingFolder({ name, path })
    },
    plan: async (target, backup, of) => {
      const { planRestore } = await import('#directory/unpack/plan-restore.ts')
      return await planRestore(target, backup, of)
    },
    planPart: async (target, backup, of) => {
      const { planPart } = await import('#directory/unpack/plan-part.ts')
      return await planPart(target, backup, of)
    },
  },

  drill: {
    check: async (backup, place) => {
      const { checkDirectoryDrill } = await import('#directory/drill-directory.ts')
      await checkDirectoryDrill(backup, place)
    },
    run: async (backup, drill) => {
      const { drillDirectory } = await import('#directory/drill-directory.ts')
      return await drillDirectory(backup, drill)
    },
  },
}
