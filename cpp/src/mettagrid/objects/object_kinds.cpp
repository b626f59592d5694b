#include "mettagrid/objects/object_kinds.h"

#include "mettagrid/objects/assembler.h"
#include "mettagrid/objects/chest.h"
#include "mettagrid/objects/converter.h"
#include "mettagrid/objects/door.h"
#include "mettagrid/objects/pile.h"
#include "mettagrid/objects/plant.h"

namespace mettagrid {

const std::array<const ObjectKind*, std::variant_size_v<ObjectRules>> kObjectKinds = {
    &kConverterKind, &kPlantKind, &kDoorKind, &kChestKind, &kAssemblerKind, &kPileKind,
};

}  // namespace mettagrid
