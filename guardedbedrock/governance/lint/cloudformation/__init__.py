"""The policies of CloudFormation and SAM templates."""
