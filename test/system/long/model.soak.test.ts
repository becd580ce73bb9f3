/** A thousand runs of the model on each database, by seeds that are printed; see model.test.ts. */
import { compareWithModel } from '../../adversarial/model/suite.ts'
import { providers } from '../../harness/database.ts'

compareWithModel({ databases: providers, runs: 1000 })
