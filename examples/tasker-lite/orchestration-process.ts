// Entry of an orchestration process; started by run.ts.
import { Orchestration } from './orchestration.ts';
import { Rest } from './rest.ts';
import { runService } from './service-process.ts';

await runService('tasker-lite-orchestration', async ({ settings, database, transport, tracing, tell, fail }) => {
  const orchestration = new Orchestration({
    database,
    transport,
    tracing,
    concurrency: settings.concurrency,
    likeTasker: settings.emit === 'tasker',
    onFailure: fail,
    onTaskEnded: (taskUuid, status) => tell({ type: 'task-ended', taskUuid, status }),
  });
  await database.warm(2);
  await orchestration.start();
  const rest = new Rest(orchestration, database, tracing);
  const url = await rest.listen();
  return {
    url,
    stop: async () => {
      await rest.close();
      await orchestration.stop();
      if (settings.createsSchema && settings.schema !== 'tasker') {
        await database.script(`DROP SCHEMA IF EXISTS ${settings.schema} CASCADE`);
      }
    },
  };
});
