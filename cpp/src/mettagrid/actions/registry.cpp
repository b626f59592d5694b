#include "mettagrid/actions/registry.h"

#include "mettagrid/actions/attack.h"
#include "mettagrid/actions/get_items.h"
#include "mettagrid/actions/move.h"
#include "mettagrid/actions/noop.h"
#include "mettagrid/actions/put_items.h"
#include "mettagrid/actions/rotate.h"

namespace mettagrid {

const std::array<ActionRules, kNumActionKinds> kActionRules = {{
    {.priority = 0, .prepare = nullptr, .act = Noop, .mask = MaskNoop},
    {.priority = 0, .prepare = FaceMove, .act = Move, .mask = MaskMove},
    {.priority = 0, .prepare = nullptr, .act = Rotate, .mask = MaskRotate},
    {.priority = 0, .prepare = nullptr, .act = PutItems, .mask = MaskPutItems},
    {.priority = 0, .prepare = nullptr, .act = GetItems, .mask = MaskGetItems},
    {.priority = 1, .prepare = nullptr, .act = Attack, .mask = MaskAttack},
}};

}  // namespace mettagrid
