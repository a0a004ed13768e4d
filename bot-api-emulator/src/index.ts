export type { Clock } from '#clock.ts'
export type { Controls } from '#control/controls.ts'
export type { Fault } from '#control/fault.ts'
export type { FaultTiming } from '#control/faults.ts'
export type { HumanPost, Humans } from '#control/humans.ts'
export type { Inspection, StoredMessage } from '#control/inspection.ts'
export type { RandomFaults } from '#control/random-faults.ts'
export type { RequestEntry } from '#control/traffic.ts'
export type { CallEvent, CallListener } from '#control/watchers.ts'
export { type Emulator, type EmulatorOptions, prepareWorld, startEmulator } from '#emulator.ts'
export { EmulatorError } from '#errors.ts'
export type { EmulatorLimits } from '#limits.ts'
export type { ChatDeclaration } from '#world/declaring.ts'
export type {
  AdministratorRights,
  Bot as EmulatedBot,
  Chat as EmulatedChat,
  ChatType,
} from '#world/records.ts'
