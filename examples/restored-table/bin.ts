import { App } from 'aws-cdk-lib';
import { restoredMirror } from './app.ts';

const app = new App();
restoredMirror(app);
app.synth();
