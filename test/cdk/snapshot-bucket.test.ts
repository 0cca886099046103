import { RemovalPolicy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

const template = mirrorTemplate();
const [bucket = ''] = Object.keys(template.findResources('AWS::S3::Bucket'));

describe('the bucket of the snapshot', () => {
  it('is private and encrypted, has no versions, and outlives the stack', () => {
    template.resourceCountIs('AWS::S3::Bucket', 1);
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BucketName: Match.absent(),
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        VersioningConfiguration: Match.absent(),
      },
    });
  });

  it('refuses requests without TLS, or with an old version of it', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: bucket },
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({ Effect: 'Deny', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
        ],
      },
    });
  });

  it('removes exports after a day, and never the snapshot', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          { Id: 'exports', Prefix: 'exports/', ExpirationInDays: 1, Status: 'Enabled' },
          { Id: 'uploads', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' },
        ],
      },
    });
  });

  it('is where the function stores the snapshot, and where the API reads it', () => {
    for (const name of ['snapshot', 'api']) {
      const { Variables } = functionOf(template, name).properties.Environment as {
        Variables: Record<string, unknown>;
      };
      expect(Variables.DRAYAGE_SNAPSHOT_BUCKET).toEqual({ Ref: bucket });
    }
  });

  it('is emptied and removed with the stack if the props say so', () => {
    const gone = mirrorTemplate(undefined, { removalPolicy: RemovalPolicy.DESTROY });
    gone.allResources('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    gone.resourceCountIs('Custom::S3AutoDeleteObjects', 1);
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
  });
});
