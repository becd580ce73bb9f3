/** A thousand runs of the model on each database, by seeds that are printed; see model.test.ts. */
import { holdAgainstModel } from '../../adversarial/model/suite.ts'
import { providers } from '../../harness/database.ts'

holdAgainstModel({ databases: providers, runs: 1000 })
