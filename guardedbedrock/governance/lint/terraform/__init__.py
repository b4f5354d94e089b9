"""
The policies of Terraform.

- `plan`: plans and states, as ``terraform show -json`` prints them
- `tf_json`: configuration in ``*.tf.json`` files
- `documents`: the data source ``aws_iam_policy_document``
- `principals`: groups the policies by principal
"""
