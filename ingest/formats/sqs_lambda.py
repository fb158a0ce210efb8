"""The same as sqs_message with the keys that AWS Lambda gets: `messageId`, `body`, `eventSourceARN`.

Source: AWS Lambda documentation, "Using Lambda with Amazon SQS".
"""

from ingest.formats.sqs_message import enveloped

FORMAT = enveloped("sqs_lambda", "body", "eventSourceARN")
