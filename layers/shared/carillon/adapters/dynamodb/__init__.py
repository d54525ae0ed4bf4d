"""The single DynamoDB table behind the storage ports."""
