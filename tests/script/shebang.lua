#!/usr/bin/env orch
print(debug.getinfo(1, "l").currentline)

-- out: 2
