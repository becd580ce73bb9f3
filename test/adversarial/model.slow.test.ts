/**
 * A thousand runs of the model (model.test.ts says what one is, and how a failure is seen again) on
 * each database, both side by side, from seeds of chance that are printed.
 */
import { providers } from '../harness/database.ts'
import { holdAgainstModel } from './model/suite.ts'

holdAgainstModel({ databases: providers, runs: 1000 })
