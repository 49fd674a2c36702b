"""Payment methods: where subscribers can pay."""
