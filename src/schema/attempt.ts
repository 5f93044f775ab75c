import { attemptKinds, attemptOutcomes, type Attempt } from '../purchases/purchase.ts';
import { reached } from './access.ts';
import { builder } from './builder.ts';
import { values } from './enums.ts';
import { ProblemRef } from './problem.ts';

const AttemptKindEnum = builder.enumType('AttemptKind', {
  description: 'What the gateway asked ScratchPower.',
  values: values(attemptKinds, {
    CONFIRM: 'To buy. Sent at most once per purchase.',
    RETRY: 'What became of it. Never charges twice.',
  }),
});

const AttemptOutcomeEnum = builder.enumType('AttemptOutcome', {
  description: 'What came of an attempt.',
  values: values(attemptOutcomes, {
    IN_FLIGHT: 'Under way.',
    SUCCEEDED: 'It was bought.',
    REFUSED: 'It was refused for certain.',
    UNKNOWN: 'The answer was lost or says nothing certain.',
    NOT_SENT: 'It never left the gateway.',
  }),
});

export const AttemptRef = builder.objectRef<Attempt>('PurchaseAttempt').implement({
  extensions: reached,
  description: 'One call to ScratchPower about a purchase.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'Counted from 1.' }),
    kind: t.expose('kind', { type: AttemptKindEnum, description: 'What was asked.' }),
    outcome: t.expose('outcome', { type: AttemptOutcomeEnum, description: 'What came of it.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'When it was recorded, right before it was sent.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its outcome was recorded; null while it is under way.',
    }),
    requestId: t.exposeString('requestId', { description: 'Quote this to ScratchPower’s support.' }),
    problem: t.field({
      type: ProblemRef,
      nullable: true,
      description: 'What went wrong; null when nothing did.',
      resolve: ({ problem }) => problem,
    }),
  }),
});
