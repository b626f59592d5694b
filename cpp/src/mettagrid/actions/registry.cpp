#include "mettagrid/actions/registry.h"

#include "mettagrid/actions/attack.h"
#include "mettagrid/actions/move.h"
#include "mettagrid/actions/noop.h"

namespace mettagrid {

const std::array<ActionRules, kNumActionKinds> kActionRules = {{
    {.priority = 0, .prepare = nullptr, .act = Noop, .mask = MaskNoop},
    {.priority = 0, .prepare = FaceMove, .act = Move, .mask = MaskMove},
    {.priority = 1, .prepare = nullptr, .act = Attack, .mask = MaskAttack},
}};

}  // namespace mettagrid
