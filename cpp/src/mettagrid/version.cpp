namespace mettagrid { int EngineVersion() { return 1; } }
